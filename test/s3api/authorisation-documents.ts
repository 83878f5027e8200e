/** What the requests of the authorisation matrix carry. ETAG stands for that of an upload's one part. */

export const PARTS =
  '<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>ETAG</ETag></Part></CompleteMultipartUpload>'

export const NAMES = '<Delete><Object><Key>key</Key></Object></Delete>'

export const ENABLED = '<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>'

export const BLOCK =
  '<PublicAccessBlockConfiguration><BlockPublicAcls>true</BlockPublicAcls></PublicAccessBlockConfiguration>'

export const OWNERSHIP =
  '<OwnershipControls><Rule><ObjectOwnership>ObjectWriter</ObjectOwnership></Rule></OwnershipControls>'

export const CORS =
  '<CORSConfiguration><CORSRule><AllowedMethod>GET</AllowedMethod><AllowedOrigin>*</AllowedOrigin></CORSRule></CORSConfiguration>'

export const RULES =
  '<LifecycleConfiguration><Rule><Status>Enabled</Status><Filter/><Expiration><Days>9</Days></Expiration></Rule></LifecycleConfiguration>'

export const TAGS = '<Tagging><TagSet><Tag><Key>a</Key><Value>b</Value></Tag></TagSet></Tagging>'

export const ENCRYPTION = '<ServerSideEncryptionConfiguration><Rule/></ServerSideEncryptionConfiguration>'
