package s3

import (
	"net/http"

	"github.com/arngate/arngate/shared/localaws/protocol"
)

// operation is one of S3's operations.
type operation struct {
	name    string
	creates bool // the bucket need not exist
	needs   func(*Service, *request) ([]protocol.Access, error)
	serve   func(*Service, http.ResponseWriter, *request) error
}

// subresources are the parameters that make another operation of a request, in the order in which they
// decide. Those without an operation below answer NotImplemented.
var subresources = []string{
	"uploadId", "uploads", "versioning", "versions", "policy", "cors", "acl", "location", "delete",
	"accelerate", "analytics", "attributes", "encryption", "intelligent-tiering", "inventory", "legal-hold",
	"lifecycle", "logging", "metadataTable", "metrics", "notification", "object-lock", "ownershipControls",
	"policyStatus", "publicAccessBlock", "replication", "requestPayment", "restore", "retention", "select",
	"session", "tagging", "torrent", "website",
}

// route finds the operation of a request.
func route(r *request) (*operation, error) {
	method := r.call.Request.Method
	if method == http.MethodOptions {
		return &operation{name: "PreflightRequest", serve: (*Service).preflight}, nil
	}
	sub := subresource(r)
	var found *operation
	switch {
	case r.bucket == "" && sub == "":
		found = serviceOperation(method)
	case r.key != "":
		found = objectOperation(r, method, sub)
	case r.bucket != "":
		found = bucketOperation(r, method, sub)
	}
	if found != nil {
		return found, nil
	}
	if sub == "" && (method != http.MethodPost || r.key != "") {
		return nil, methodNotAllowed(method, resourceType(r))
	}
	return nil, notImplemented()
}

func resourceType(r *request) string {
	switch {
	case r.key != "":
		return "OBJECT"
	case r.bucket != "":
		return "BUCKET"
	}
	return "SERVICE"
}

func subresource(r *request) string {
	for _, name := range subresources {
		if r.query.Has(name) {
			return name
		}
	}
	return ""
}

func serviceOperation(method string) *operation {
	if method != http.MethodGet {
		return nil
	}
	return &operation{name: "ListBuckets", needs: onEverything("s3:ListAllMyBuckets"), serve: (*Service).listBuckets}
}

func bucketOperation(r *request, method, sub string) *operation {
	switch method + " " + sub {
	case "PUT ":
		return &operation{name: "CreateBucket", creates: true, needs: needsCreateBucket, serve: (*Service).createBucket}
	case "DELETE ":
		return &operation{name: "DeleteBucket", needs: onBucket("s3:DeleteBucket"), serve: (*Service).deleteBucket}
	case "HEAD ":
		return &operation{name: "HeadBucket", needs: onBucket("s3:ListBucket"), serve: (*Service).headBucket}
	case "GET ":
		if r.query.Get("list-type") == "2" {
			return &operation{name: "ListObjectsV2", needs: needsListing("s3:ListBucket"), serve: (*Service).listObjectsV2}
		}
		return &operation{name: "ListObjects", needs: needsListing("s3:ListBucket"), serve: (*Service).listObjects}
	case "GET versions":
		return &operation{name: "ListObjectVersions", needs: needsListing("s3:ListBucketVersions"), serve: (*Service).listVersions}
	case "GET uploads":
		return &operation{name: "ListMultipartUploads", needs: needsListing("s3:ListBucketMultipartUploads"), serve: (*Service).listUploads}
	case "POST ":
		// Key and caller stand in the form.
		return &operation{name: "PostObject", needs: needsPost, serve: (*Service).postObject}
	case "POST delete":
		// Which keys may be deleted is decided key by key, when the body has been read.
		return &operation{name: "DeleteObjects", serve: (*Service).deleteObjects}
	case "GET location":
		return &operation{name: "GetBucketLocation", needs: onBucket("s3:GetBucketLocation"), serve: (*Service).getLocation}
	case "GET acl":
		return &operation{name: "GetBucketAcl", needs: onBucket("s3:GetBucketAcl"), serve: (*Service).getBucketACL}
	}
	return bucketConfiguration(method + " " + sub)
}

func bucketConfiguration(what string) *operation {
	switch what {
	case "GET versioning":
		return &operation{name: "GetBucketVersioning", needs: onBucket("s3:GetBucketVersioning"), serve: (*Service).getVersioning}
	case "PUT versioning":
		return &operation{name: "PutBucketVersioning", needs: onBucket("s3:PutBucketVersioning"), serve: (*Service).putVersioning}
	case "GET policy":
		return &operation{name: "GetBucketPolicy", needs: onBucket("s3:GetBucketPolicy"), serve: (*Service).getPolicy}
	case "PUT policy":
		return &operation{name: "PutBucketPolicy", needs: onBucket("s3:PutBucketPolicy"), serve: (*Service).putPolicy}
	case "DELETE policy":
		return &operation{name: "DeleteBucketPolicy", needs: onBucket("s3:DeleteBucketPolicy"), serve: (*Service).deletePolicy}
	case "GET encryption":
		return &operation{name: "GetBucketEncryption", needs: onBucket("s3:GetEncryptionConfiguration"), serve: (*Service).getEncryption}
	case "PUT encryption":
		return &operation{name: "PutBucketEncryption", needs: onBucket("s3:PutEncryptionConfiguration"), serve: (*Service).putEncryption}
	case "DELETE encryption":
		return &operation{name: "DeleteBucketEncryption", needs: onBucket("s3:PutEncryptionConfiguration"), serve: (*Service).deleteEncryption}
	case "GET cors":
		return &operation{name: "GetBucketCors", needs: onBucket("s3:GetBucketCORS"), serve: (*Service).getCORS}
	case "PUT cors":
		return &operation{name: "PutBucketCors", needs: onBucket("s3:PutBucketCORS"), serve: (*Service).putCORS}
	case "DELETE cors":
		return &operation{name: "DeleteBucketCors", needs: onBucket("s3:PutBucketCORS"), serve: (*Service).deleteCORS}
	}
	return nil
}

func objectOperation(r *request, method, sub string) *operation {
	copies := r.header.Get("X-Amz-Copy-Source") != ""
	switch method + " " + sub {
	case "GET ":
		return &operation{name: "GetObject", needs: needsRead("s3:GetObject", "s3:GetObjectVersion"), serve: (*Service).getObject}
	case "HEAD ":
		return &operation{name: "HeadObject", needs: needsRead("s3:GetObject", "s3:GetObjectVersion"), serve: (*Service).headObject}
	case "PUT ":
		if copies {
			return &operation{name: "CopyObject", needs: needsCopy, serve: (*Service).copyObject}
		}
		return &operation{name: "PutObject", needs: needsWrite, serve: (*Service).putObject}
	case "DELETE ":
		return &operation{name: "DeleteObject", needs: needsDelete, serve: (*Service).deleteObject}
	case "GET acl":
		return &operation{name: "GetObjectAcl", needs: needsRead("s3:GetObjectAcl", "s3:GetObjectVersionAcl"), serve: (*Service).getObjectACL}
	case "POST uploads":
		return &operation{name: "CreateMultipartUpload", needs: needsWrite, serve: (*Service).createUpload}
	case "PUT uploadId":
		if copies {
			return &operation{name: "UploadPartCopy", needs: needsCopy, serve: (*Service).uploadPartCopy}
		}
		return &operation{name: "UploadPart", needs: needsWrite, serve: (*Service).uploadPart}
	case "POST uploadId":
		return &operation{name: "CompleteMultipartUpload", needs: needsWrite, serve: (*Service).completeUpload}
	case "DELETE uploadId":
		return &operation{name: "AbortMultipartUpload", needs: onObject("s3:AbortMultipartUpload"), serve: (*Service).abortUpload}
	case "GET uploadId":
		return &operation{name: "ListParts", needs: onObject("s3:ListMultipartUploadParts"), serve: (*Service).listParts}
	}
	return nil
}
