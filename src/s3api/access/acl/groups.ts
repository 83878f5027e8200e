import type { GranteeGroup } from '../../../base/access.ts'
import { invalid } from '../../fields.ts'

/** https://docs.aws.amazon.com/AmazonS3/latest/userguide/acl-overview.html#specifying-grantee-predefined-groups */
const URIS: Readonly<Record<GranteeGroup, string>> = {
  AllUsers: 'http://acs.amazonaws.com/groups/global/AllUsers',
  AuthenticatedUsers: 'http://acs.amazonaws.com/groups/global/AuthenticatedUsers',
  LogDelivery: 'http://acs.amazonaws.com/groups/s3/LogDelivery',
}

export function uriOfGroup(group: GranteeGroup): string {
  return URIS[group]
}

/** Fault: InvalidArgument. */
export function groupOfUri(uri: string): GranteeGroup {
  const [group] = Object.entries(URIS).find(([, known]) => known === uri) ?? []
  if (group === undefined) throw invalid('Group/URI', uri, 'Invalid group uri')
  return group as GranteeGroup
}
