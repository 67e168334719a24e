package s3

import (
	"net/http"

	"github.com/arngate/arngate/shared/localaws/protocol"
)

// The errors of S3 with their statuses, messages and members ("Error responses", Amazon S3 API Reference).

func noSuchBucket(name string) *protocol.Error {
	return protocol.NewError(http.StatusNotFound, "NoSuchBucket", "The specified bucket does not exist").
		With("BucketName", name)
}

func noSuchKey(key string) *protocol.Error {
	return protocol.NewError(http.StatusNotFound, "NoSuchKey", "The specified key does not exist.").With("Key", key)
}

func noSuchVersion(key, version string) *protocol.Error {
	return protocol.NewError(http.StatusNotFound, "NoSuchVersion", "The specified version does not exist.").
		With("Key", key).With("VersionId", version)
}

func noSuchUpload(id string) *protocol.Error {
	return protocol.NewError(http.StatusNotFound, "NoSuchUpload", "The specified upload does not exist. "+
		"The upload ID may be invalid, or the upload may have been aborted or completed.").With("UploadId", id)
}

func accessDenied() *protocol.Error {
	return protocol.NewError(http.StatusForbidden, "AccessDenied", "Access Denied")
}

func permanentRedirect(bucket, region string) *protocol.Error {
	return protocol.NewError(http.StatusMovedPermanently, "PermanentRedirect",
		"The bucket you are attempting to access must be addressed using the specified endpoint. "+
			"Please send all future requests to this endpoint.").
		With("Endpoint", bucket+".s3."+region+"."+dnsSuffix(region)).
		With("Bucket", bucket).
		WithHeader("X-Amz-Bucket-Region", region)
}

func wrongRegion(got, want string) *protocol.Error {
	return protocol.NewError(http.StatusBadRequest, "AuthorizationHeaderMalformed",
		"The authorization header is malformed; the region '%s' is wrong; expecting '%s'", got, want).
		With("Region", want)
}

func preconditionFailed(condition string) *protocol.Error {
	return protocol.NewError(http.StatusPreconditionFailed, "PreconditionFailed",
		"At least one of the pre-conditions you specified did not hold").With("Condition", condition)
}

func conditionalConflict(condition, key string) *protocol.Error {
	return protocol.NewError(http.StatusConflict, "ConditionalRequestConflict",
		"The conditional request cannot succeed due to a conflicting operation against this resource.").
		With("Condition", condition).With("Key", key)
}

func notModified() *protocol.Error {
	return protocol.NewError(http.StatusNotModified, "NotModified", "Not Modified")
}

func invalidArgument(name, value, message string) *protocol.Error {
	return protocol.NewError(http.StatusBadRequest, "InvalidArgument", "%s", message).
		With("ArgumentName", name).With("ArgumentValue", value)
}

func invalidRequest(format string, args ...any) *protocol.Error {
	return protocol.NewError(http.StatusBadRequest, "InvalidRequest", format, args...)
}

func badDigest(algorithm string) *protocol.Error {
	return protocol.NewError(http.StatusBadRequest, "BadDigest",
		"The %s you specified did not match the calculated checksum.", algorithm)
}

func malformedXML() *protocol.Error {
	return protocol.NewError(http.StatusBadRequest, "MalformedXML",
		"The XML you provided was not well-formed or did not validate against our published schema")
}

func invalidURI() *protocol.Error {
	return protocol.NewError(http.StatusBadRequest, "InvalidURI", "Couldn't parse the specified URI.")
}

func entityTooLarge(size, largest int64) *protocol.Error {
	return protocol.NewError(http.StatusBadRequest, "EntityTooLarge", "Your proposed upload exceeds the maximum allowed size").
		With("ProposedSize", size).With("MaxSizeAllowed", largest)
}

func keyTooLong(size int) *protocol.Error {
	return protocol.NewError(http.StatusBadRequest, "KeyTooLongError", "Your key is too long").
		With("Size", size).With("MaxSizeAllowed", maxKeyLength)
}

func methodNotAllowed(method, resource string) *protocol.Error {
	return protocol.NewError(http.StatusMethodNotAllowed, "MethodNotAllowed",
		"The specified method is not allowed against this resource.").
		With("Method", method).With("ResourceType", resource)
}

// notImplemented is the answer to an operation that S3 has and this one hasn't.
func notImplemented() *protocol.Error {
	return protocol.NewError(http.StatusNotImplemented, "NotImplemented",
		"A header or query you provided requested a function that is not implemented.")
}

// headerNotImplemented is the answer to a header that asks for more than there is; more may say why.
func headerNotImplemented(header, more string) *protocol.Error {
	e := protocol.NewError(http.StatusNotImplemented, "NotImplemented",
		"A header you provided implies functionality that is not implemented").With("Header", header)
	if more != "" {
		e = e.With("additionalMessage", more)
	}
	return e
}
