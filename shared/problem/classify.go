package problem

import "net/http"

// rule is what becomes of an error code of AWS's.
type rule struct {
	code         Code
	detail, hint string
}

// expiredCodes are refused credentials: S3's ExpiredToken, InvalidToken and InvalidAccessKeyId; the JSON
// services' ExpiredTokenException and UnrecognizedClientException; STS's InvalidClientTokenId.
var expiredCodes = [...]string{
	"ExpiredToken", "InvalidToken", "InvalidAccessKeyId",
	"ExpiredTokenException", "UnrecognizedClientException", "InvalidClientTokenId",
}

// ruleFor decides by AWS's code; the status only tells AWS's own failures (5xx) from the rest, and only
// for codes that are not known.
func ruleFor(service, operation, code string, status int) rule {
	if thing, ok := notFoundRule(service, operation, code); ok {
		return thing
	}
	if r, ok := rules[code]; ok {
		return r
	}
	if status >= http.StatusInternalServerError {
		return unavailable
	}
	return rejected
}

// notFoundRule says which thing is missing; JSON services use one code for whatever they don't find.
func notFoundRule(service, operation, code string) (rule, bool) {
	switch code {
	case "ResourceNotFoundException", "TableNotFoundException":
		switch service {
		case "dynamodb":
			return rule{code: TableNotFound, detail: "AWS knows no such table or index there."}, true
		case "lambda":
			return rule{code: FunctionNotFound, detail: "AWS knows no such function or qualifier there."}, true
		}
	case "NotFound", "404": // what the SDK makes of a HEAD's 404, which has no body
		if operation == "HeadBucket" {
			return rules["NoSuchBucket"], true
		}
		return rules["NoSuchKey"], service == "s3"
	}
	return rule{}, false
}

var (
	denied      = rule{AWSAccessDenied, "AWS denied the action.", "Ask the AWS administrator to allow the missing action on that resource; the provider's role kit has the policy."}
	unusable    = rule{ProviderUnusable, "AWS refused the credentials.", "Verify the provider."}
	throttled   = rule{AWSThrottled, "AWS throttles requests.", "Send fewer requests, or wait."}
	unavailable = rule{AWSUnavailable, "AWS failed.", ""}
	rejected    = rule{AWSRejected, "AWS rejected the request.", ""}
	condition   = rule{ConditionFailed, "The condition did not hold.", "Read the current state and decide anew."}
	tooLarge    = rule{PayloadTooLarge, "AWS takes no request of that size.", ""}
)

// rules classifies the error codes of the services' API references ("Common Errors" and each operation's
// "Errors"; for S3 "Error responses"). It is only read.
var rules = map[string]rule{
	"AccessDenied":                           denied,
	"AccessDeniedException":                  denied,
	"Forbidden":                              denied, // a HEAD's 403, which has no body (trap 34)
	"403":                                    denied,
	"KMSAccessDeniedException":               denied,
	"KMS.AccessDeniedException":              denied,
	"UnauthorizedOperation":                  denied,
	"UnauthorizedAccess":                     denied,
	"NotAuthorized":                          denied,
	"AuthorizationErrorException":            denied,
	"AllAccessDisabled":                      denied,
	"ExpiredToken":                           unusable,
	"InvalidToken":                           unusable,
	"InvalidAccessKeyId":                     unusable,
	"ExpiredTokenException":                  unusable,
	"UnrecognizedClientException":            unusable,
	"InvalidClientTokenId":                   unusable,
	"SignatureDoesNotMatch":                  unusable,
	"InvalidSignatureException":              unusable,
	"IncompleteSignature":                    unusable,
	"MissingAuthenticationToken":             unusable,
	"NotSignedUp":                            unusable,
	"OptInRequired":                          unusable,
	"NoSuchBucket":                           {BucketNotFound, "AWS knows no such bucket.", ""},
	"NoSuchKey":                              {ObjectNotFound, "AWS knows no such object.", ""},
	"NoSuchVersion":                          {ObjectNotFound, "AWS knows no such version of the object.", ""},
	"NoSuchUpload":                           {ObjectNotFound, "AWS knows no such upload: it was completed, aborted, or never started.", ""},
	"ConditionalCheckFailedException":        condition,
	"PreconditionFailed":                     condition,
	"ConditionalRequestConflict":             condition,
	"TransactionConflictException":           condition,
	"ProvisionedThroughputExceededException": throttled,
	"ThrottlingException":                    throttled,
	"Throttling":                             throttled,
	"ThrottledException":                     throttled,
	"RequestThrottled":                       throttled,
	"RequestThrottledException":              throttled,
	"RequestLimitExceeded":                   throttled,
	"TooManyRequestsException":               throttled,
	"TooManyRequests":                        throttled,
	"LimitExceededException":                 throttled,
	"BandwidthLimitExceeded":                 throttled,
	"PriorRequestNotComplete":                throttled,
	"TransactionInProgressException":         throttled,
	"EC2ThrottledException":                  throttled,
	"SlowDown":                               throttled,
	"InternalError":                          unavailable,
	"InternalFailure":                        unavailable,
	"InternalServerError":                    unavailable,
	"ServiceException":                       unavailable,
	"ServiceUnavailable":                     unavailable,
	"ServiceUnavailableException":            unavailable,
	"RequestTimeout":                         unavailable,
	"RequestTimeoutException":                unavailable,
	"RequestTimeTooSkewed":                   unavailable,
	"RequestExpired":                         unavailable,
	"EntityTooLarge":                         tooLarge,
	"RequestTooLargeException":               tooLarge,
	"MaxMessageLengthExceeded":               tooLarge,
}
