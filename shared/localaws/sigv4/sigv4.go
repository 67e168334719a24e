// Package sigv4 verifies requests that are signed with AWS Signature Version 4, in the header or in
// the query, and the payloads that they carry, streamed and chunked ones included.
//
// Source: "AWS Signature Version 4 for API requests" (IAM User Guide) and "Authenticating Requests"
// (Amazon S3 API Reference).
package sigv4

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"
)

const (
	algorithm  = "AWS4-HMAC-SHA256"
	timeFormat = "20060102T150405Z"
	dateFormat = "20060102"
	terminator = "aws4_request"

	// Skew is how far a signer's clock may be off.
	Skew = 15 * time.Minute

	maxPresigned = 7 * 24 * time.Hour
)

// Kind is what is wrong with a signed request. Services have their own codes for each.
type Kind int

// The ways in which a signature can be refused.
const (
	Missing            Kind = iota // there is no signature
	Incomplete                     // the signature's parts cannot be read, or some are missing
	BadQuery                       // the parameters of a presigned request cannot be read
	BadCredential                  // the credential, with its scope, cannot be read
	BadQueryCredential             // that of a presigned request or of a form cannot be read
	Mismatch                       // the signature is not that of the request
	Unsigned                       // a header that must be signed is not
	Skewed                         // signed too long ago, or in the future
	Expired                        // presigned, and its time is over
	NotYetValid                    // presigned for the future
	PayloadMismatch                // the body is not the one whose hash was signed
	BadPayload                     // what is said about the payload, or its framing, cannot be read
	Truncated                      // the body is cut short
	Unsupported                    // a variant that the local AWS does not verify
	Outdated                       // Signature Version 2, which new buckets don't take any more
)

// Error says why a signed request was refused.
type Error struct {
	Kind    Kind
	Message string
	Fields  map[string]string // facts that S3 adds to its error document
}

// Error is the message.
func (e *Error) Error() string { return e.Message }

func fail(kind Kind, format string, args ...any) *Error {
	return &Error{Kind: kind, Message: fmt.Sprintf(format, args...)}
}

// Signed is what a request says about its own signature. Nothing of it is proven before Verify.
type Signed struct {
	AccessKeyID string
	Date        string // YYYYMMDD of the credential scope
	Region      string
	Service     string // signing name of the credential scope
	Token       string // session token; empty if none was sent
	Time        time.Time
	Presigned   bool

	headers   []string // signed header names: lower case, as listed
	signature string
	expires   time.Duration // presigned only
	payload   string        // what stands for the payload's hash; empty: none was sent
}

// scope is the credential scope without the access key.
func (s *Signed) scope() string {
	return strings.Join([]string{s.Date, s.Region, s.Service, terminator}, "/")
}

// Verify proves that the request was signed with secret within the allowed time before now. The body is
// not read: bodyHash is its hexadecimal SHA-256, as the canonical request holds it. For S3 what stands
// there is sent along and bodyHash is not used; OpenPayload holds the body against it. Every failure is
// an *Error.
func (s *Signed) Verify(r *http.Request, secret, bodyHash string, now time.Time) error {
	if err := s.checkHeaders(r); err != nil {
		return err
	}
	payload := bodyHash
	if s.Service == "s3" {
		payload = s.PayloadHash()
	}
	if payload == "" {
		return fail(BadPayload, "Missing required header for this request: x-amz-content-sha256")
	}
	canonical := s.canonicalRequest(r, payload)
	toSign := strings.Join([]string{algorithm, s.Time.Format(timeFormat), s.scope(), hexSHA256(canonical)}, "\n")
	want := hex.EncodeToString(hmacSHA256(s.key(secret), toSign))
	if subtle.ConstantTimeCompare([]byte(want), []byte(s.signature)) != 1 {
		return s.mismatch(canonical, toSign)
	}
	return s.checkTime(now)
}

// mismatch is in S3's words, which differ from those of the others.
func (s *Signed) mismatch(canonical, toSign string) *Error {
	advice := "Check your AWS Secret Access Key and signing method. Consult the service documentation for details."
	if s.Service == "s3" {
		advice = "Check your key and signing method."
	}
	e := fail(Mismatch, "The request signature we calculated does not match the signature you provided. %s", advice)
	e.Fields = map[string]string{
		"AWSAccessKeyId":        s.AccessKeyID,
		"SignatureProvided":     s.signature,
		"StringToSign":          toSign,
		"StringToSignBytes":     fmt.Sprintf("% x", toSign),
		"CanonicalRequest":      canonical,
		"CanonicalRequestBytes": fmt.Sprintf("% x", canonical),
	}
	return e
}

// checkHeaders refuses a signature that leaves out a header which must be signed: the host, and every
// x-amz-* header, since those change what the request means.
func (s *Signed) checkHeaders(r *http.Request) error {
	if !slices.Contains(s.headers, "host") {
		return fail(Unsigned, "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.")
	}
	var missing []string
	for name := range r.Header {
		lower := strings.ToLower(name)
		if strings.HasPrefix(lower, "x-amz-") && !slices.Contains(s.headers, lower) {
			missing = append(missing, lower)
		}
	}
	if len(missing) == 0 {
		return nil
	}
	slices.Sort(missing)
	e := fail(Unsigned, "There were headers present in the request which were not signed")
	e.Fields = map[string]string{"HeadersNotSigned": strings.Join(missing, ", ")}
	return e
}

func (s *Signed) checkTime(now time.Time) error {
	if s.Presigned {
		return s.checkPresignedTime(now)
	}
	if s.Time.Before(now.Add(-Skew)) {
		return skewed(s.Time, now, "Signature expired: %s is now earlier than %s (%s - 15 min.)", -Skew)
	}
	if s.Time.After(now.Add(Skew)) {
		return skewed(s.Time, now, "Signature not yet current: %s is still later than %s (%s + 15 min.)", Skew)
	}
	return nil
}

func skewed(signed, now time.Time, format string, by time.Duration) *Error {
	now = now.UTC()
	e := fail(Skewed, format, signed.Format(timeFormat), now.Add(by).Format(timeFormat), now.Format(timeFormat))
	e.Fields = map[string]string{
		"RequestTime":                signed.Format(timeFormat),
		"ServerTime":                 now.Format(time.RFC3339),
		"MaxAllowedSkewMilliseconds": "900000",
	}
	return e
}

func (s *Signed) checkPresignedTime(now time.Time) error {
	if s.Time.After(now.Add(Skew)) {
		return fail(NotYetValid, "Request is not valid yet")
	}
	end := s.Time.Add(s.expires)
	if !now.After(end) {
		return nil
	}
	e := fail(Expired, "Request has expired")
	e.Fields = map[string]string{
		"X-Amz-Expires": fmt.Sprint(int64(s.expires / time.Second)),
		"Expires":       end.UTC().Format(time.RFC3339),
		"ServerTime":    now.UTC().Format(time.RFC3339),
	}
	return e
}

// key derives the signing key from a secret.
func (s *Signed) key(secret string) []byte {
	k := hmacSHA256([]byte("AWS4"+secret), s.Date)
	k = hmacSHA256(k, s.Region)
	k = hmacSHA256(k, s.Service)
	return hmacSHA256(k, terminator)
}

func hmacSHA256(key []byte, text string) []byte {
	m := hmac.New(sha256.New, key)
	m.Write([]byte(text))
	return m.Sum(nil)
}

func hexSHA256(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}
