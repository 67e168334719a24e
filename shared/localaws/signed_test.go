package localaws_test

import (
	"bytes"
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
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	awssts "github.com/aws/aws-sdk-go-v2/service/sts"
	"pgregory.net/rapid"

	"github.com/arngate/arngate/shared/localaws"
	"github.com/arngate/arngate/shared/localaws/localawstest"
)

// words are what a service says to a wrong signature.
type words struct {
	mismatch, unsigned, body, token, skewed refusal
	late, early                             refusal // presigned
}

// wordsOf are the services' words: one table for each protocol, S3's and Lambda's apart.
func wordsOf(service string) words {
	all := func(code string, status int, token string) words {
		r := refusal{code, status}
		return words{mismatch: r, unsigned: r, body: r, skewed: r, late: r, early: r, token: refusal{token, status}}
	}
	switch service {
	case "sts", "iam":
		return all("SignatureDoesNotMatch", http.StatusForbidden, "InvalidClientTokenId")
	case "dynamodb", "kms":
		return all("InvalidSignatureException", http.StatusBadRequest, "UnrecognizedClientException")
	case "lambda":
		return all("InvalidSignatureException", http.StatusForbidden, "UnrecognizedClientException")
	}
	denied := refusal{"AccessDenied", http.StatusForbidden}
	return words{
		mismatch: refusal{"SignatureDoesNotMatch", http.StatusForbidden}, unsigned: denied,
		body: refusal{"XAmzContentSHA256Mismatch", http.StatusBadRequest}, token: refusal{"InvalidToken", http.StatusBadRequest},
		skewed: refusal{"RequestTimeTooSkewed", http.StatusForbidden}, late: denied, early: denied,
	}
}

// signer sends requests to a local AWS whose clock it sets.
type signer struct {
	*localawstest.AWS

	clock          time.Time // of the local AWS
	admin, session aws.Credentials
}

func startSigner(t *testing.T) *signer {
	t.Helper()
	s := &signer{clock: time.Now().Truncate(time.Second)}
	s.AWS = localawstest.Start(t, func(o *localaws.Options) { o.Now = func() time.Time { return s.clock } })
	admin := s.Account(account)
	role := s.AddRole(t, admin, localawstest.Role{
		Name: "all", Attached: "arn:aws:iam::aws:policy/AdministratorAccess",
		Trust: `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"` + account + `"},"Action":"sts:AssumeRole"}]}`,
	})
	session := s.Assume(t, admin, &awssts.AssumeRoleInput{RoleArn: &role, RoleSessionName: aws.String("session")})
	s.admin = aws.Credentials{AccessKeyID: admin.AccessKeyID, SecretAccessKey: admin.SecretAccessKey}
	s.session = aws.Credentials{AccessKeyID: session.AccessKeyID, SecretAccessKey: session.SecretAccessKey, SessionToken: session.SessionToken}
	client := awss3.NewFromConfig(s.Config(admin), func(o *awss3.Options) { o.UsePathStyle = true })
	if _, err := client.CreateBucket(t.Context(), &awss3.CreateBucketInput{Bucket: aws.String("bucket")}); err != nil {
		t.Fatal(err)
	}
	return s
}

// request is one that the service answers with success, not signed yet, and its body.
func (s *signer) request(t *rapid.T, service string) (*http.Request, string) {
	method, target, body, header := http.MethodPost, "/", "{}", map[string]string{}
	switch service {
	case "sts":
		body, header["Content-Type"] = "Action=GetCallerIdentity&Version=2011-06-15", "application/x-www-form-urlencoded"
	case "iam":
		body, header["Content-Type"] = "Action=ListRoles&Version=2010-05-08", "application/x-www-form-urlencoded"
	case "kms":
		header["X-Amz-Target"] = "TrentService.ListKeys"
	case "dynamodb":
		header["X-Amz-Target"] = "DynamoDB_20120810.ListTables"
	case "lambda":
		method, target, body = http.MethodGet, "/2015-03-31/functions?MaxItems=1", ""
	case "s3":
		method, target, body = http.MethodPut, "/bucket/a%20b/c", "content"
	}
	r, err := http.NewRequestWithContext(t.Context(), method, s.Endpoint()+target, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	header["X-Amz-Meta-Note"] = "a, b"
	for name, value := range header {
		r.Header.Set(name, value)
	}
	return r, body
}

func sha256Hex(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// sign signs in the header.
func (s *signer) sign(t *rapid.T, r *http.Request, keys aws.Credentials, service, body string, at time.Time) {
	if service == "s3" {
		r.Header.Set("X-Amz-Content-Sha256", sha256Hex(body))
	}
	by := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = service == "s3" })
	if err := by.SignHTTP(r.Context(), keys, r, sha256Hex(body), service, "us-east-1", at); err != nil {
		t.Fatal(err)
	}
}

// presigned is a presigned request for the service: reading the caller's identity, or writing an object.
func (s *signer) presigned(t *rapid.T, keys aws.Credentials, service string, at time.Time, life string) *http.Request {
	method, target := http.MethodGet, "/?Action=GetCallerIdentity&Version=2011-06-15&X-Amz-Expires="+life
	if service == "s3" {
		method, target = http.MethodPut, "/bucket/key?X-Amz-Expires="+life
	}
	r, err := http.NewRequestWithContext(t.Context(), method, s.Endpoint()+target, http.NoBody)
	if err != nil {
		t.Fatal(err)
	}
	hash := sha256Hex("")
	if service == "s3" {
		hash = "UNSIGNED-PAYLOAD"
	}
	by := v4.NewSigner(func(o *v4.SignerOptions) { o.DisableURIPathEscaping = service == "s3" })
	address, _, err := by.PresignHTTP(r.Context(), keys, r, hash, service, "us-east-1", at)
	if err != nil {
		t.Fatal(err)
	}
	if r.URL, err = url.Parse(address); err != nil {
		t.Fatal(err)
	}
	return r
}

// send sends a request and returns how it was answered, as the log has it. Success is the zero refusal.
func (s *signer) send(t *rapid.T, r *http.Request) refusal {
	s.ResetCalls()
	answer, err := s.Client().Do(r)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, answer.Body)
	_ = answer.Body.Close()
	call := s.Calls()[0]
	if answer.StatusCode < http.StatusBadRequest {
		return refusal{}
	}
	if call.Allowed && call.Code != "XAmzContentSHA256Mismatch" { // the body is read last
		t.Fatalf("%s was allowed and refused: %+v", r.URL, call)
	}
	return refusal{call.Code, answer.StatusCode}
}

// tampering changes something that is signed, and says how that is refused.
var tampering = map[string]func(r *http.Request, body string, w words) refusal{
	"method": func(r *http.Request, _ string, w words) refusal { r.Method = http.MethodPatch; return w.mismatch },
	"path": func(r *http.Request, _ string, w words) refusal {
		r.URL.Path, r.URL.RawPath = r.URL.Path+"x", ""
		return w.mismatch
	},
	"parameter": func(r *http.Request, _ string, w words) refusal { r.URL.RawQuery += "&acl="; return w.mismatch },
	"host":      func(r *http.Request, _ string, w words) refusal { r.Host = "127.0.0.2"; return w.mismatch },
	"header": func(r *http.Request, _ string, w words) refusal {
		r.Header.Set("X-Amz-Meta-Note", "a,b")
		return w.mismatch
	},
	"header again": func(r *http.Request, _ string, w words) refusal {
		r.Header.Add("X-Amz-Meta-Note", "c")
		return w.mismatch
	},
	"no header": func(r *http.Request, _ string, w words) refusal { r.Header.Del("X-Amz-Meta-Note"); return w.mismatch },
	"new header": func(r *http.Request, _ string, w words) refusal {
		r.Header.Set("X-Amz-Acl", "private")
		return w.unsigned
	},
	"body": func(r *http.Request, body string, w words) refusal {
		changed := []byte(body[:max(0, len(body)-1)] + "!") // as long as before: the length is signed, too
		r.Body, r.ContentLength = io.NopCloser(bytes.NewReader(changed)), int64(len(changed))
		r.GetBody = nil
		return w.body
	},
	"region": func(r *http.Request, _ string, w words) refusal {
		return replaceAuthorization(r, "us-east-1", "us-east-2", w.mismatch)
	},
	"day": func(r *http.Request, _ string, w words) refusal {
		day := r.Header.Get("X-Amz-Date")[:8]
		return replaceAuthorization(r, "/"+day+"/", "/20200101/", w.mismatch)
	},
	"second": func(r *http.Request, _ string, w words) refusal {
		at, _ := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
		r.Header.Set("X-Amz-Date", at.Truncate(time.Minute).Add(time.Duration((at.Second()+1)%60)*time.Second).Format("20060102T150405Z"))
		return w.mismatch
	},
	"signature": func(r *http.Request, _ string, w words) refusal {
		text := r.Header.Get("Authorization")
		last := "0"
		if strings.HasSuffix(text, last) {
			last = "1"
		}
		r.Header.Set("Authorization", text[:len(text)-1]+last)
		return w.mismatch
	},
	"token": func(r *http.Request, _ string, w words) refusal {
		r.Header.Set("X-Amz-Security-Token", r.Header.Get("X-Amz-Security-Token")+"x")
		return w.token
	},
}

func replaceAuthorization(r *http.Request, old, changed string, want refusal) refusal {
	r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), old, changed, 1))
	return want
}

// Whatever of a signed request is changed, each service refuses it in its own words; unchanged it is taken.
func TestTrap51NothingSignedCanChange(t *testing.T) {
	s := startSigner(t)
	rapid.Check(t, func(t *rapid.T) {
		service := rapid.SampledFrom([]string{"sts", "iam", "kms", "dynamodb", "s3", "lambda"}).Draw(t, "service")
		change := rapid.SampledFrom([]string{
			"method", "path", "parameter", "host", "header", "header again", "no header", "new header", "body",
			"region", "day", "second", "signature", "token",
		}).Draw(t, "change")
		keys := s.session
		if change != "token" && rapid.Bool().Draw(t, "long-lived") {
			keys = s.admin
		}
		for _, changed := range []bool{false, true} {
			r, body := s.request(t, service)
			s.sign(t, r, keys, service, body, s.clock)
			want := refusal{}
			if changed {
				want = tampering[change](r, body, wordsOf(service))
			}
			if got := s.send(t, r); got != want {
				t.Fatalf("changed %v: %v, want %v", changed, got, want)
			}
		}
	})
}

// A signature is good for 15 minutes before and after the time it names, to the second.
func TestSkewInBothDirections(t *testing.T) {
	s := startSigner(t)
	now := s.clock
	rapid.Check(t, func(t *rapid.T) {
		service := rapid.SampledFrom([]string{"sts", "iam", "kms", "dynamodb", "s3", "lambda"}).Draw(t, "service")
		off := time.Duration(rapid.OneOf(
			rapid.IntRange(-2000, 2000), rapid.SampledFrom([]int{-901, -900, 900, 901}),
		).Draw(t, "seconds")) * time.Second
		r, body := s.request(t, service)
		s.sign(t, r, s.admin, service, body, now.Add(off))
		want := refusal{}
		if off.Abs() > 15*time.Minute {
			want = wordsOf(service).skewed
		}
		if got := s.send(t, r); got != want {
			t.Fatalf("signed %s off: %v, want %v", off, got, want)
		}
	})
}

// A presigned request is good from 15 minutes before its time until its life ends, and no longer than its credentials
// (traps.md 37).
func TestTrap37PresignedLife(t *testing.T) {
	s := startSigner(t)
	began := s.clock
	rapid.Check(t, func(t *rapid.T) {
		service := rapid.SampledFrom([]string{"sts", "s3"}).Draw(t, "service")
		w := wordsOf(service)
		late := time.Duration(rapid.OneOf(
			rapid.IntRange(-1200, 4000), rapid.SampledFrom([]int{-901, -900, 60, 61, 3599, 3600}),
		).Draw(t, "seconds")) * time.Second
		life, keys := rapid.SampledFrom([]string{"60", "7200"}).Draw(t, "life"), s.admin
		if rapid.Bool().Draw(t, "temporary") {
			keys = s.session
		}
		r := s.presigned(t, keys, service, began, life)
		s.clock = began.Add(late)
		got := s.send(t, r)
		want := refusal{}
		switch {
		case keys.SessionToken != "" && late >= time.Hour:
			want = refusal{"ExpiredToken", http.StatusForbidden}
			if service == "s3" {
				want.Status = http.StatusBadRequest
			}
		case late < -15*time.Minute:
			want = w.early
		case life == "60" && late > time.Minute:
			want = w.late
		}
		if got != want {
			t.Fatalf("%s after its time, with a life of %s s: %v, want %v", late, life, got, want)
		}
	})
}
