package localaws

import (
	"bytes"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"

	"github.com/arngate/arngate/shared/localaws/protocol"
	"github.com/arngate/arngate/shared/localaws/sigv4"
)

// maxBody is the most that a request to a service other than S3 may carry: DynamoDB takes 16 MB.
const maxBody = 17 << 20

// authenticate proves who signed the exchange's request and opens its body.
func (a *AWS) authenticate(ex *exchange, signed *sigv4.Signed) error {
	d := ex.service.dialect
	secret, err := a.secret(ex, signed)
	if err != nil {
		return err
	}
	hash, err := ex.readBody()
	if err != nil {
		return err
	}
	if err := signed.Verify(ex.call.Request, secret, hash, ex.call.Now); err != nil {
		return d.signature(err)
	}
	if ex.call.Service == "s3" {
		if err := signed.OpenPayload(ex.call.Request, secret); err != nil {
			return d.signature(err)
		}
		ex.call.Request.Body = &wordedBody{ex.call.Request.Body, d}
	}
	principal, ok := a.principal(signed.AccessKeyID)
	if !ok {
		return d.unknownKey(signed.AccessKeyID)
	}
	// Temporary credentials of a user or of the root are of no use with IAM ("Compare AWS STS
	// credentials", IAM User Guide).
	if ex.call.Service == "iam" && principal.Session && principal.RoleARN == "" {
		return d.invalidToken()
	}
	ex.call.Principal, ex.call.Presigned = principal, signed.Presigned
	return nil
}

// authenticateForm proves who signed the policy of a form in the exchange's body.
func (ex *exchange) authenticateForm(field func(name string) string) error {
	d := ex.service.dialect
	signed, err := sigv4.ParseForm(field)
	if err != nil {
		return d.signature(err)
	}
	ex.entry.AccessKeyID = signed.AccessKeyID
	secret, err := ex.aws.secret(ex, signed)
	if err != nil {
		return err
	}
	if err := signed.VerifyPolicy(field("policy"), secret); err != nil {
		return d.signature(err)
	}
	principal, ok := ex.aws.principal(signed.AccessKeyID)
	if !ok {
		return d.unknownKey(signed.AccessKeyID)
	}
	ex.call.Principal = principal
	ex.call.Region, ex.entry.Region = signed.Region, signed.Region
	ex.describePrincipal()
	return nil
}

// secret finds the secret of the access key that a request names and checks its session token.
func (a *AWS) secret(ex *exchange, signed *sigv4.Signed) (string, error) {
	d := ex.service.dialect
	if secret, ok := a.iam.Secret(signed.AccessKeyID); ok {
		if signed.Token != "" {
			return "", d.invalidToken()
		}
		return secret, nil
	}
	session, ok := a.sts.Lookup(signed.AccessKeyID)
	switch {
	case !ok || signed.Token == "":
		return "", d.unknownKey(signed.AccessKeyID)
	case subtle.ConstantTimeCompare([]byte(session.SessionToken), []byte(signed.Token)) != 1:
		return "", d.invalidToken()
	case !ex.call.Now.Before(session.Expires):
		return "", d.expiredToken()
	}
	return session.SecretAccessKey, nil
}

func (a *AWS) principal(accessKeyID string) (*protocol.Principal, bool) {
	if p, ok := a.iam.Principal(accessKeyID); ok {
		return p, true
	}
	return a.sts.Principal(accessKeyID)
}

// readBody reads the body of a request whose service wants it whole, and returns its hash. S3's stays to
// be streamed.
func (ex *exchange) readBody() (hash string, err error) {
	if ex.call.Service == "s3" {
		return "", nil
	}
	r := ex.call.Request
	body, err := io.ReadAll(io.LimitReader(r.Body, maxBody+1))
	if err != nil {
		return "", fmt.Errorf("read body: %w", err)
	}
	if len(body) > maxBody {
		return "", ex.service.dialect.refuse(ex.service.dialect.codes.tooLarge, "The request is too large.")
	}
	ex.call.Body, r.Body = body, http.NoBody
	sum := sha256.Sum256(body)
	hash = hex.EncodeToString(sum[:])
	if sent := r.Header.Get("X-Amz-Content-Sha256"); len(sent) == len(hash) && sent != hash {
		return "", ex.service.dialect.signature(&sigv4.Error{
			Kind:    sigv4.PayloadMismatch,
			Message: "The value of x-amz-content-sha256 is not that of the body.",
		})
	}
	return hash, nil
}

// wordedBody words the errors of a payload in the dialect of its service.
type wordedBody struct {
	io.ReadCloser
	dialect dialect
}

// Read fails with a *protocol.Error where the payload is not what was signed.
func (b *wordedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil && !errors.Is(err, io.EOF) {
		err = b.dialect.signature(err)
	}
	return n, err
}

// unsignedService chooses the service of a request without a signature. S3 alone takes such requests;
// those that are plainly meant for another service are refused in its words.
func unsignedService(r *http.Request) string {
	target := r.Header.Get("X-Amz-Target")
	form := strings.HasPrefix(r.Header.Get("Content-Type"), "application/x-www-form-urlencoded")
	switch {
	case strings.HasPrefix(target, "DynamoDB_"):
		return "dynamodb"
	case strings.HasPrefix(target, "TrentService."):
		return "kms"
	case strings.HasPrefix(target, "AmazonSQS."):
		return "sqs"
	case strings.HasPrefix(target, "AWSEvents."):
		return "events"
	case strings.HasPrefix(r.URL.Path, "/2015-03-31/"):
		return "lambda"
	case r.Method == http.MethodPost && r.URL.Path == "/" && form, bytes.Contains([]byte(r.URL.RawQuery), []byte("Action=")):
		return "sts"
	}
	return "s3"
}
