package sigv4

import (
	"crypto/subtle"
	"encoding/hex"
)

// ParseForm reads the signature that a form carries in its fields, as a browser's upload to S3 does: it signs the
// form's policy and nothing else of the request ("Authenticating Requests in Browser-Based Uploads Using POST", Amazon
// S3 API Reference). The function returns a field by its name in lower case. Every failure is an *Error.
func ParseForm(field func(name string) string) (*Signed, error) {
	if field("x-amz-algorithm") != algorithm {
		return nil, fail(Unsupported, "X-Amz-Algorithm only supports \"AWS4-HMAC-SHA256 and AWS4-ECDSA-P256-SHA256\"")
	}
	s := &Signed{signature: field("x-amz-signature"), Token: field("x-amz-security-token")}
	if err := s.parseCredential(field("x-amz-credential"), BadQueryCredential); err != nil {
		return nil, err
	}
	if s.Service != "s3" {
		return nil, fail(BadQuery, "Error parsing the X-Amz-Credential parameter; incorrect service %q. "+
			"This endpoint belongs to \"s3\".", s.Service)
	}
	return s, s.parseDate(field("x-amz-date"), BadQuery)
}

// VerifyPolicy proves that the policy of a form was signed with secret: the text as it was sent, in base64. When the
// form is valid is for the policy to say. Every failure is an *Error.
func (s *Signed) VerifyPolicy(policy, secret string) error {
	want := hex.EncodeToString(hmacSHA256(s.key(secret), policy))
	if subtle.ConstantTimeCompare([]byte(want), []byte(s.signature)) == 1 {
		return nil
	}
	e := s.mismatch("", policy)
	delete(e.Fields, "CanonicalRequest")
	return e
}
