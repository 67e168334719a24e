package s3

import "net/http"

const (
	listBucketsDescription = "The buckets of the provider's account, as far as the connection includes them, in order of their names. A page can be shorter than " +
		"`limit`. Buckets of other accounts can be used where the connection names them, but AWS doesn't list them."

	listObjectsDescription = "Keys that begin with `prefix`, in order of their UTF-8 bytes. With `delimiter=/` what lies deeper than the next slash is shown as one of `folders`, " +
		"each of which is the prefix of a listing of its own; objects and folders count towards `limit` together. A connection that is limited to a folder lists only below " +
		"it: `prefix` must begin with the folder, its slash included."

	getObjectDescription = "The bytes as they are stored, with their type, ETag, checksum and, as `x-amz-meta-*` headers, the object's own metadata; a page of another origin reads that by `/object/metadata`. Range and conditional headers mean what they mean in HTTP; S3 knows a single range. " +
		"What a browser could run, HTML and SVG among it, comes as an attachment. Over 4 MiB the answer is a redirect to a presigned URL, whose `Expires` header says when it ends. " +
		"Don't send the bearer token there: S3 refuses a request that is signed and has an Authorization header. Clients that follow redirects to another host leave it out by themselves. " +
		"Browsers can follow only where the bucket's CORS allows it."

	putObjectDescription = "Stores the body, of up to 4 MiB, with its type and the metadata of `x-amz-meta-*` headers. " +
		"`If-None-Match: *` keeps it from replacing an object, `If-Match` from replacing another than the one whose ETag is known; such a request is sent once, and if no answer comes, the problem is `outcome_unknown`. " +
		"With a checksum header S3 refuses what arrives altered. A key that ends in a slash makes a folder: an empty object that listings show where nothing lies below it."

	deleteObjectDescription = "Deletes the object. That there is no such object is no problem, unless `If-Match` says there is. " +
		"With `If-Match` it is sent once: if no answer comes, the problem is `outcome_unknown`. In a bucket that keeps versions, the older ones stay."

	getMetadataDescription = "Size, type, storage class, encryption and the object's own metadata, without its bytes. The tags of an object are no part of it."

	getACLDescription = "The owner of the object and what its access control list grants to whom. In a bucket without ACLs, as new ones are, that is the bucket's owner alone. " +
		"Policies, which grant too, aren't in it."

	perKey = "The answer is 200 and says of each key what became of it, with the problem that a request for it alone would have. "

	paged = "A prefix is worked through page by page, of up to 1,000 keys and as far as the time of a request goes: as long as there is a `next_cursor`, send the same request with it as `cursor`. " +
		"What failed isn't tried again. "

	deleteObjectsDescription = "Deletes up to 1,000 keys, or every key below a prefix. " + perKey + paged +
		"That there is no such object is no problem. In a bucket that keeps versions, the older ones stay."

	copyObjectsDescription = "Copies an object, or every object below a prefix, within a bucket or to another that the connection includes, in whichever region. S3 copies by itself: no bytes pass through here. " +
		perKey + "Only a single copy that fails is the request's own problem. " + paged +
		"Metadata and storage class are copied; tags are not: they would need two more permissions. Objects over 5 GB are refused with 422, or as that key's problem."

	moveObjectsDescription = "Renames or moves an object, or every object below a prefix: S3 knows no renaming, so each is copied and its source deleted, if it is still what was copied. " + perKey +
		"`copied_not_deleted`: the copy is there, and the source as well. Only a single move whose copy fails is the request's own problem. " + paged +
		"Metadata and storage class go along; tags do not: they would need two more permissions. Objects over 5 GB are refused with 422, or as that key's problem."

	createUploadDescription = "What it takes to send an object to S3 without that its bytes pass through here. " +
		"`post` is a form as browsers send it: S3 takes only the key, type and size that it was made for. " +
		"`put` is a single PUT, for programs; it binds key and type, but can't bound the size. " +
		"`multipart` begins an upload in parts, that can be sent side by side and again: PUT each to its URL, keep the ETag of each answer, then complete the upload. " +
		"Nothing is stored of an upload in parts until it is completed; the bucket's lifecycle should end those that never are. " +
		"Don't send the bearer token to S3. Browsers can send only what the bucket's CORS allows, and don't keep `..` in the path of a URL: a key with such a segment takes a form."

	signPartsDescription = "For an upload with more than 500 parts, or one that takes longer than its URLs live. Whether there is such an upload, S3 says when a part is sent."

	completeUploadDescription = "Makes an object of the parts. It is sent once: if no answer comes, which may be as S3 takes its time for many parts, the problem is `outcome_unknown`, and the object's metadata tells. " +
		"An upload that was completed already or is unknown is `object_not_found`."

	createDownloadsDescription = "A presigned URL for each of up to 100 objects, which can be of several buckets. What it delivers is saved as a file by browsers. " +
		"Nothing is read before that: that there is no such object is S3's answer to the download. Don't send the bearer token there. " +
		"Browsers don't keep `..` in the path of a URL, so that they can't download a key with such a segment."
)

// getObjectOthers are what a client of HTTP expects beside 200. It is only read.
var getObjectOthers = map[int]string{
	http.StatusPartialContent:               "The bytes that Range asked for; Content-Range says which they are",
	http.StatusNotModified:                  "If-None-Match or If-Modified-Since: it hasn't changed",
	http.StatusTemporaryRedirect:            "The object is over 4 MiB, or delivery=redirect: Location is a presigned URL, Expires says when it ends",
	http.StatusRequestedRangeNotSatisfiable: "The object has no such bytes",
}
