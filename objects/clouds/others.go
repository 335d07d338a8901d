//go:build !race

package clouds

// No test reaches these, and under the race detector they take minutes to build.
import (
	_ "gocloud.dev/blob/azureblob" // azblob://container, AZURE_STORAGE_ACCOUNT with a key, or DefaultAzureCredential
	_ "gocloud.dev/blob/gcsblob"   // gs://bucket, Application Default Credentials
)
