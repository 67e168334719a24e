package localaws

import (
	"errors"
	"net/http"

	"github.com/arngate/arngate/shared/localaws/protocol"
	"github.com/arngate/arngate/shared/localaws/sigv4"
)

// coral is what stands before the codes of the errors that AWS's front itself makes in JSON protocols.
const coral = "com.amazon.coral.service"

// dialect is how a service words what the front refuses.
type dialect struct {
	format protocol.Format
	front  string // namespace of the errors that the front makes
	own    string // namespace of those that the service makes
	codes  codes
}

// coded is an error code with its status.
type coded struct {
	status int
	code   string
}

// codes are a dialect's words for the refusals of the front.
type codes struct {
	unknownKey   coded // no such access key, or not active
	invalidToken coded // the session token is not that of the key
	expiredToken coded
	accessDenied coded
	tooLarge     coded
	signature    map[sigv4.Kind]coded
}

// queryDialect is that of STS and IAM ("Common Errors", AWS STS API Reference).
func queryDialect(namespace string) dialect {
	invalid := coded{http.StatusForbidden, "InvalidClientTokenId"}
	incomplete := coded{http.StatusBadRequest, "IncompleteSignature"}
	mismatch := coded{http.StatusForbidden, "SignatureDoesNotMatch"}
	return dialect{format: protocol.Query, front: namespace, own: namespace, codes: codes{
		unknownKey:   invalid,
		invalidToken: invalid,
		expiredToken: coded{http.StatusForbidden, "ExpiredToken"},
		accessDenied: coded{http.StatusForbidden, "AccessDenied"},
		tooLarge:     coded{http.StatusRequestEntityTooLarge, "RequestEntityTooLarge"},
		signature:    signatureCodes(coded{http.StatusForbidden, "MissingAuthenticationToken"}, incomplete, mismatch),
	}}
}

// jsonDialect is that of the services that speak JSON. Most refuse with status 400, Lambda with 403.
func jsonDialect(format protocol.Format, own string, status int) dialect {
	front := coral
	if format == protocol.RESTJSON {
		front = ""
	}
	invalid := coded{status, "UnrecognizedClientException"}
	return dialect{format: format, front: front, own: own, codes: codes{
		unknownKey:   invalid,
		invalidToken: invalid,
		expiredToken: coded{status, "ExpiredTokenException"},
		accessDenied: coded{status, "AccessDeniedException"},
		tooLarge:     coded{http.StatusRequestEntityTooLarge, "RequestEntityTooLargeException"},
		signature: signatureCodes(
			coded{status, "MissingAuthenticationTokenException"},
			coded{status, "IncompleteSignatureException"},
			coded{status, "InvalidSignatureException"},
		),
	}}
}

// signatureCodes is the table of the services that tell apart only three kinds of wrong signatures.
func signatureCodes(missing, incomplete, mismatch coded) map[sigv4.Kind]coded {
	return map[sigv4.Kind]coded{
		sigv4.Missing:            missing,
		sigv4.Incomplete:         incomplete,
		sigv4.BadQuery:           incomplete,
		sigv4.BadCredential:      incomplete,
		sigv4.BadQueryCredential: incomplete,
		sigv4.Unsupported:        incomplete,
		sigv4.Outdated:           incomplete,
		sigv4.BadPayload:         incomplete,
		sigv4.Truncated:          incomplete,
		sigv4.Mismatch:           mismatch,
		sigv4.Unsigned:           mismatch,
		sigv4.Skewed:             mismatch,
		sigv4.Expired:            mismatch,
		sigv4.NotYetValid:        mismatch,
		sigv4.PayloadMismatch:    mismatch,
	}
}

// s3Dialect is S3's ("Error responses", Amazon S3 API Reference).
func s3Dialect() dialect {
	denied := coded{http.StatusForbidden, "AccessDenied"}
	return dialect{format: protocol.RESTXML, codes: codes{
		unknownKey:   coded{http.StatusForbidden, "InvalidAccessKeyId"},
		invalidToken: coded{http.StatusBadRequest, "InvalidToken"},
		expiredToken: coded{http.StatusBadRequest, "ExpiredToken"},
		accessDenied: denied,
		tooLarge:     coded{http.StatusBadRequest, "EntityTooLarge"},
		signature: map[sigv4.Kind]coded{
			sigv4.Missing:            denied,
			sigv4.Incomplete:         {http.StatusBadRequest, "AuthorizationHeaderMalformed"},
			sigv4.BadQuery:           {http.StatusBadRequest, "AuthorizationQueryParametersError"},
			sigv4.BadCredential:      {http.StatusBadRequest, "AuthorizationHeaderMalformed"},
			sigv4.BadQueryCredential: {http.StatusBadRequest, "AuthorizationQueryParametersError"},
			sigv4.Unsupported:        {http.StatusBadRequest, "InvalidArgument"},
			sigv4.Outdated:           {http.StatusBadRequest, "InvalidRequest"},
			sigv4.BadPayload:         {http.StatusBadRequest, "InvalidRequest"},
			sigv4.Truncated:          {http.StatusBadRequest, "IncompleteBody"},
			sigv4.Mismatch:           {http.StatusForbidden, "SignatureDoesNotMatch"},
			sigv4.Unsigned:           denied,
			sigv4.Skewed:             {http.StatusForbidden, "RequestTimeTooSkewed"},
			sigv4.Expired:            denied,
			sigv4.NotYetValid:        denied,
			sigv4.PayloadMismatch:    {http.StatusBadRequest, "XAmzContentSHA256Mismatch"},
		},
	}}
}

// refuse is a refusal of the front in the dialect's words.
func (d dialect) refuse(c coded, message string) *protocol.Error {
	return &protocol.Error{Status: c.status, Code: c.code, Message: message, Namespace: d.front}
}

// unknownKey refuses an access key that does not exist or is not active.
func (d dialect) unknownKey(accessKeyID string) *protocol.Error {
	if d.format == protocol.RESTXML {
		return d.refuse(d.codes.unknownKey, "The AWS Access Key Id you provided does not exist in our records.").
			With("AWSAccessKeyId", accessKeyID)
	}
	return d.refuse(d.codes.unknownKey, "The security token included in the request is invalid.")
}

// invalidToken refuses a session token that does not belong to its access key.
func (d dialect) invalidToken() *protocol.Error {
	if d.format == protocol.RESTXML {
		return d.refuse(d.codes.invalidToken, "The provided token is malformed or otherwise invalid.")
	}
	return d.refuse(d.codes.invalidToken, "The security token included in the request is invalid.")
}

// expiredToken refuses temporary credentials whose time is over.
func (d dialect) expiredToken() *protocol.Error {
	if d.format == protocol.RESTXML {
		return d.refuse(d.codes.expiredToken, "The provided token has expired.")
	}
	return d.refuse(d.codes.expiredToken, "The security token included in the request is expired")
}

// signature turns what package sigv4 refuses into the service's error. Other errors stay as they are.
func (d dialect) signature(err error) error {
	var refused *sigv4.Error
	if !errors.As(err, &refused) {
		return err
	}
	e := d.refuse(d.codes.signature[refused.Kind], refused.Message)
	if d.format != protocol.RESTXML {
		return e
	}
	const malformed = `the Credential is mal-formed; expecting "<YOUR-AKID>/YYYYMMDD/REGION/SERVICE/aws4_request".`
	switch refused.Kind { //nolint:exhaustive // the other messages are S3's too
	case sigv4.Skewed:
		e.Message = "The difference between the request time and the current time is too large."
	case sigv4.BadCredential:
		e.Message = "The authorization header is malformed; " + malformed
	case sigv4.BadQueryCredential:
		e.Message = "Error parsing the X-Amz-Credential parameter; " + malformed
	}
	for name, value := range refused.Fields {
		e = e.With(name, value)
	}
	return e
}
