package s3

import (
	"net/http"
	"time"
)

const (
	listBucketsDescription = "The buckets of the provider's account, as far as the connection includes them, in order of their names. A page can be shorter than " +
		"`limit`. Buckets of other accounts can be used where the connection names them, but AWS doesn't list them."

	listObjectsDescription = "Keys that begin with `prefix`, in order of their UTF-8 bytes. With `delimiter=/` what lies deeper than the next slash is shown as one of `folders`, " +
		"each of which is the prefix of a listing of its own; objects and folders count towards `limit` together. A connection that is limited to a folder lists only below " +
		"it: `prefix` must begin with the folder, its slash included."

	getObjectDescription = "The bytes as they are stored, with their type and ETag. Range and conditional headers mean what they mean in HTTP; S3 knows a single range. " +
		"What a browser could run, HTML and SVG among it, comes as an attachment. Over 4 MiB the answer is a redirect to a presigned URL, whose `Expires` header says when it ends. " +
		"Don't send the bearer token there: S3 refuses a request that is signed and has an Authorization header. Clients that follow redirects to another host leave it out by themselves. " +
		"Browsers can follow only where the bucket's CORS allows it."

	putObjectDescription = "Stores the body, of up to 4 MiB, with its type and the metadata of `x-amz-meta-*` headers. " +
		"`If-None-Match: *` keeps it from replacing an object, `If-Match` from replacing another than the one whose ETag is known; such a request is sent once, and if no answer comes, the problem is `outcome_unknown`. " +
		"With a checksum header S3 refuses what arrives altered. A key that ends in a slash makes a folder: an empty object that listings show where nothing lies below it."

	deleteObjectDescription = "Deletes the object. That there is no such object is no problem, unless `If-Match` says there is. " +
		"With `If-Match` it is sent once: if no answer comes, the problem is `outcome_unknown`. In a bucket that keeps versions, the older ones stay."
)

// getObjectOthers are what a client of HTTP expects beside 200. It is only read.
var getObjectOthers = map[int]string{
	http.StatusPartialContent:               "The bytes that Range asked for; Content-Range says which they are",
	http.StatusNotModified:                  "If-None-Match or If-Modified-Since: it hasn't changed",
	http.StatusTemporaryRedirect:            "The object is over 4 MiB, or delivery=redirect: Location is a presigned URL, Expires says when it ends",
	http.StatusRequestedRangeNotSatisfiable: "The object has no such bytes",
}

var (
	exampleTime    = time.Date(2026, time.January, 5, 9, 0, 0, 0, time.UTC)
	exampleBuckets = map[string]any{"items": []Bucket{{Name: "demo-files", CreatedAt: exampleTime, Region: "eu-central-1"}}}
	exampleObjects = Listing{
		Items: []Object{{
			Key: "readme.txt", Size: 1071, ModifiedAt: exampleTime, ETag: `"9bb58f26192e4ba00f01e2e7b136bbd8"`, StorageClass: "STANDARD",
		}},
		Folders: []string{"reports/"},
	}
	exampleStored = Stored{Key: "notes/hello.txt", Size: 12, ETag: `"9bb58f26192e4ba00f01e2e7b136bbd8"`}
)
