package localaws_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"github.com/arngate/arngate/shared/localaws"
	"github.com/arngate/arngate/shared/localaws/lambda"
)

// FuzzFront sends requests of any shape, well signed and not, to every service: none may panic, and what
// is not well signed is never allowed anything.
func FuzzFront(f *testing.F) {
	f.Add("POST", "/", "Action=GetCallerIdentity&Version=2011-06-15", "sts", "", "application/x-www-form-urlencoded", uint8(0))
	f.Add("POST", "/", "Action=AssumeRole&RoleArn=arn:aws:iam::222222222222:role/a&RoleSessionName=ab&Tags.member.1.Key=a", "sts", "", "", uint8(1))
	f.Add("POST", "/", "Action=CreateRole&RoleName=a&AssumeRolePolicyDocument=%7B%7D", "iam", "", "", uint8(0))
	f.Add("POST", "/", `{"KeyId":"alias/x","Plaintext":"AAAA"}`, "kms", "TrentService.Encrypt", "", uint8(0))
	f.Add("POST", "/", `{"CiphertextBlob":"AQAA"}`, "kms", "TrentService.Decrypt", "", uint8(0))
	f.Add("POST", "/", `{"TableName":"orders","Key":{"a":{"S":"b"}}}`, "dynamodb", "DynamoDB_20120810.GetItem", "", uint8(0))
	f.Add("POST", "/", `{"QueueUrl":"http://h/222222222222/q","MessageBody":"x"}`, "sqs", "AmazonSQS.SendMessage", "", uint8(0))
	f.Add("POST", "/", `{"Entries":[{"Source":"a"}]}`, "events", "AWSEvents.PutEvents", "", uint8(0))
	f.Add("PUT", "/bucket/key?uploads", "body", "s3", "", "text/plain", uint8(0))
	f.Add("GET", "/bucket?list-type=2&prefix=%00", "", "s3", "", "", uint8(2))
	f.Add("POST", "/2015-03-31/functions/f/invocations", "{}", "lambda", "", "", uint8(0))
	f.Add("POST", "/bucket", "--b\r\nContent-Disposition: form-data; name=\"key\"\r\n\r\nk\r\n--b\r\n"+
		"Content-Disposition: form-data; name=\"x-amz-algorithm\"\r\n\r\nAWS4-HMAC-SHA256\r\n--b\r\n"+
		"Content-Disposition: form-data; name=\"file\"\r\n\r\nx\r\n--b--\r\n", "s3", "", "multipart/form-data; boundary=b", uint8(3))
	f.Add("POST", "/bucket?delete", "<Delete><Object><Key>k</Key><VersionId>null</VersionId></Object></Delete>", "s3", "", "", uint8(0))
	f.Add("PUT", "/bucket?encryption", "<ServerSideEncryptionConfiguration><Rule><ApplyServerSideEncryptionByDefault><SSEAlgorithm>aws:kms</SSEAlgorithm>"+
		"<KMSMasterKeyID>k</KMSMasterKeyID></ApplyServerSideEncryptionByDefault></Rule></ServerSideEncryptionConfiguration>", "s3", "", "", uint8(0))
	f.Add("POST", "/bucket/key?uploadId=x", "<CompleteMultipartUpload><Part><PartNumber>1</PartNumber></Part></CompleteMultipartUpload>", "s3", "", "", uint8(0))
	f.Add("POST", "/2015-03-31/functions/f/policy", `{"StatementId":"a","Action":"lambda:*","Principal":"*"}`, "lambda", "", "", uint8(0))
	f.Add("GET", "/?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Signature=a", "", "s3", "", "", uint8(3))
	local := localaws.New(localaws.Options{LogLimit: 100})
	id, secret := local.AddAccount(account)
	client := &http.Client{Transport: local.Transport(), CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}}
	furnish(f, local, client, aws.Credentials{AccessKeyID: id, SecretAccessKey: secret})
	f.Fuzz(func(t *testing.T, method, target, body, service, amzTarget, contentType string, how uint8) {
		r := fuzzedRequest(method, target, body, amzTarget, contentType)
		if r == nil {
			return
		}
		keys := aws.Credentials{AccessKeyID: id, SecretAccessKey: secret}
		if how%4 == 1 {
			keys.SecretAccessKey += "x"
		}
		sign(r, keys, body, service, how%4)
		local.ResetCalls()
		answer, err := client.Do(r)
		if err != nil {
			return // net/http refuses some requests by itself
		}
		_, _ = io.Copy(io.Discard, answer.Body)
		_ = answer.Body.Close()
		calls := local.Calls()
		if len(calls) != 1 {
			t.Fatalf("one request left %d lines in the log", len(calls))
		}
		if how%4 == 1 && calls[0].Allowed {
			t.Fatalf("a request with a wrong secret was allowed: %+v", calls[0])
		}
	})
}

// furnish makes what the requests above name, so that they get past its absence.
func furnish(f *testing.F, local *localaws.AWS, client *http.Client, keys aws.Credentials) {
	f.Helper()
	table := `{"TableName":"orders","BillingMode":"PAY_PER_REQUEST","KeySchema":[{"AttributeName":"a","KeyType":"HASH"}],` +
		`"AttributeDefinitions":[{"AttributeName":"a","AttributeType":"S"}]}`
	for _, r := range []struct{ method, target, body, service, amzTarget string }{
		{"PUT", "/bucket", "", "s3", ""},
		{"PUT", "/bucket/key", "content", "s3", ""},
		{"POST", "/", table, "dynamodb", "DynamoDB_20120810.CreateTable"},
	} {
		request := fuzzedRequest(r.method, r.target, r.body, r.amzTarget, "")
		sign(request, keys, r.body, r.service, 0)
		answer, err := client.Do(request)
		if err != nil {
			f.Fatal(err)
		}
		text, err := io.ReadAll(answer.Body)
		_ = answer.Body.Close()
		if err != nil || answer.StatusCode != http.StatusOK {
			f.Fatalf("%s %s: %d %s, %v", r.method, r.target, answer.StatusCode, text, err)
		}
	}
	if err := local.Lambda().Register(account, "us-east-1", lambda.Function{
		Name: "f", Run: func(_ context.Context, in lambda.Invocation) ([]byte, error) { return in.Payload, nil },
	}); err != nil {
		f.Fatal(err)
	}
}

// fuzzedRequest is nil where net/http would not send such a request.
func fuzzedRequest(method, target, body, amzTarget, contentType string) *http.Request {
	u, err := url.Parse("https://127.0.0.1/" + strings.TrimPrefix(target, "/"))
	if err != nil || u.Host != "127.0.0.1" {
		return nil
	}
	r, err := http.NewRequestWithContext(context.Background(), method, u.String(), strings.NewReader(body))
	if err != nil {
		return nil
	}
	if amzTarget != "" {
		r.Header.Set("X-Amz-Target", amzTarget)
	}
	if contentType != "" {
		r.Header.Set("Content-Type", contentType)
	}
	return r
}

// sign signs a request in the header, in the query, or not at all.
func sign(r *http.Request, keys aws.Credentials, body, service string, how uint8) {
	sum := sha256.Sum256([]byte(body))
	hash := hex.EncodeToString(sum[:])
	signer := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = service == "s3" })
	switch how {
	case 0, 1:
		if service == "s3" {
			r.Header.Set("X-Amz-Content-Sha256", hash)
		}
		_ = signer.SignHTTP(r.Context(), keys, r, hash, service, "us-east-1", time.Now())
	case 2:
		uri, _, err := signer.PresignHTTP(r.Context(), keys, r, hash, service, "us-east-1", time.Now())
		if err != nil {
			return
		}
		if u, err := url.Parse(uri); err == nil {
			r.URL = u
		}
	}
}
