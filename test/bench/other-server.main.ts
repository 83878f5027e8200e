import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

/** Takes everything, and answers all the same: half of it chunked, as some S3 servers do. */
const server = createServer((request, response) => {
  request.resume()
  request.on('end', () => response.end(request.method === 'GET' ? 'hello' : undefined))
})
server.listen(0, '127.0.0.1', () => process.send!((server.address() as AddressInfo).port))
process.on('disconnect', () => process.exit())
