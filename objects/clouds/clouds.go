// Package clouds makes a program speak to object stores, by being imported: s3://,
// gs:// and azblob:// URLs then open in package objects. It is apart from it because the
// clouds' SDKs are a third of the packages that a program is built of.
package clouds

import _ "gocloud.dev/blob/s3blob" // s3://bucket, the AWS SDK's environment, profiles and roles
