package s3client_test

import (
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/arngate/arngate/shared/awsclient"
	"github.com/arngate/arngate/shared/awsclient/s3client"
)

// failing is a transport whose first request fails; S3 refuses the second.
type failing struct {
	err  error
	sent int
}

// RoundTrip answers, or not.
func (f *failing) RoundTrip(r *http.Request) (*http.Response, error) {
	if f.sent++; f.sent == 1 {
		return nil, f.err
	}
	return &http.Response{
		StatusCode: http.StatusPreconditionFailed, Request: r, Header: http.Header{},
		Body: io.NopCloser(strings.NewReader("<Error><Code>PreconditionFailed</Code></Error>")),
	}, nil
}

// What broke off while it was being sent was not carried out, so the refusal that follows is one (trap 12).
func TestTrap12NoDoubtOfWhatWasNotSent(t *testing.T) {
	for name, c := range map[string]struct {
		err     error
		unknown bool
	}{
		"no answer":  {&net.OpError{Op: "read", Net: "tcp", Err: syscall.ECONNRESET}, true},
		"broken off": {&net.OpError{Op: "write", Net: "tcp", Err: syscall.EPIPE}, false},
	} {
		transport := &failing{err: c.err}
		client, err := s3client.For(awsclient.New(awsclient.Options{Transport: transport}), region)
		if err != nil {
			t.Fatal(err)
		}
		var doubt s3client.Doubt
		_, err = client.CopyObject(awsclient.WithCredentials(t.Context(), keys()), &awss3.CopyObjectInput{
			Bucket: aws.String("files"), Key: aws.String("b"), CopySource: aws.String("files/a"), CopySourceIfMatch: aws.String(`"e"`),
		}, doubt.Watch)
		unknown, ok := errors.AsType[*awsclient.NotRepeatedError](err)
		if got := ok && unknown.OutcomeUnknown(); err == nil || got != c.unknown || transport.sent != 2 {
			t.Errorf("%s: outcome unknown %t after %d requests, want %t: %v", name, got, transport.sent, c.unknown, err)
		}
	}
}
