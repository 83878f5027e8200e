// biome-ignore-all lint/suspicious/noTemplateCurlyInString: so are the variables of policies written
import t from 'tap'
import { isPublicPolicy } from '../../../src/s3api/access/policy/is-public.ts'
import { parsePolicy } from '../../../src/s3api/access/policy/parse-policy.ts'

const ID = 'a1'.repeat(32)

function isPublic(change: object): boolean {
  const statement = { Effect: 'Allow', Principal: '*', Action: 's3:GetObject', Resource: 'arn:aws:s3:::b/*', ...change }
  const text = JSON.stringify({
    Version: '2012-10-17',
    Statement: [{ ...statement, Effect: 'Deny', Principal: '*' }, statement],
  })
  return isPublicPolicy(parsePolicy(text, { of: 'bucket', bucket: 'b' }))
}

t.test('a policy is public that lets everybody in, whom no condition narrows to fixed callers', async (t) => {
  const open: object[] = [
    {},
    { Principal: { AWS: ['*', ID] } },
    { Condition: { StringLike: { 'aws:Referer': 'https://example.com/*' } } },
    { Condition: { Bool: { 'aws:SecureTransport': 'true' } } },
    { Condition: { NotIpAddress: { 'aws:SourceIp': '192.0.2.0/24' } } },
    { Condition: { IpAddress: { 'aws:SourceIp': ['192.0.2.0/24', '0.0.0.0/1'] } } },
    { Condition: { IpAddress: { 'aws:SourceIp': '2000::/3' } } },
    { Condition: { IpAddressIfExists: { 'aws:SourceIp': '192.0.2.0/24' } } },
    { Condition: { StringLike: { 'aws:PrincipalAccount': '*' } } },
    { Condition: { StringEquals: { 'aws:userid': '${aws:userid}' } } },
    { Condition: { StringNotEquals: { 'aws:PrincipalAccount': ID } } },
    { Condition: { 'ForAllValues:StringEquals': { 'aws:PrincipalAccount': ID } } },
  ]
  for (const change of open) t.equal(isPublic(change), true, JSON.stringify(change))
  const narrow: object[] = [
    { Principal: { AWS: ID } },
    { Condition: { IpAddress: { 'aws:SourceIp': ['192.0.2.0/24', '10.0.0.0/8', '2001:db8::/32'] } } },
    { Condition: { StringEquals: { 'aws:PrincipalAccount': ID } } },
    { Condition: { ArnLike: { 'aws:PrincipalArn': `arn:aws:iam::${ID}:root` } } },
    { Condition: { StringEquals: { 'aws:userid': ID }, StringLike: { 's3:prefix': '*' } } },
  ]
  for (const change of narrow) t.equal(isPublic(change), false, JSON.stringify(change))
})
