package s3client

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/arngate/arngate/shared/awsclient"
)

// ErrNoPreflight is returned where S3 neither allowed nor refused what a page would do.
var ErrNoPreflight = errors.New("s3client: S3 gave no answer to a preflight")

// maxRead is how many bytes of an answer are read, so that its connection can be used again.
const maxRead = 32 << 10

// Preflight is what a page in a browser would ask a bucket before it sends a request of its own.
type Preflight struct {
	Region  string // where the bucket is thought to be; S3 says where it is instead
	Bucket  string // its name, which the caller has validated: it becomes part of an address (trap 21)
	Origin  string // such as https://app.example
	Method  string
	Headers []string // that the page would send; lower case
}

// Browser asks S3 as a browser does. Safe for concurrent use.
type Browser struct{ Clients *awsclient.Clients }

// Preflight asks S3 whether pages of an origin may use a bucket, the way browsers ask: unsigned, which needs no permission. It says
// false where S3 refuses; [awsclient.ErrRegion] where the bucket is in a region that this deployment doesn't allow; and an error wrapping
// [ErrNoPreflight] where S3's answer says nothing.
func (b Browser) Preflight(ctx context.Context, p Preflight) (allowed bool, err error) {
	status, header, err := b.preflight(ctx, p)
	if err != nil {
		return false, err
	}
	if right := header.Get("X-Amz-Bucket-Region"); right != "" && right != p.Region && status != http.StatusOK {
		p.Region = right // trap 35
		if status, header, err = b.preflight(ctx, p); err != nil {
			return false, err
		}
	}
	switch status {
	case http.StatusOK:
		return allows(header, p), nil
	case http.StatusForbidden:
		return false, nil
	default:
		return false, fmt.Errorf("%w: status %d", ErrNoPreflight, status)
	}
}

// preflight sends one request. The body of its answer is of no use.
func (b Browser) preflight(ctx context.Context, p Preflight) (status int, header http.Header, err error) {
	endpoint, client, err := b.Clients.Unsigned(p.Region)
	if err != nil {
		return 0, nil, err
	}
	address, err := bucketAddress(ctx, p, endpoint)
	if err != nil {
		return 0, nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodOptions, address, http.NoBody)
	if err != nil {
		return 0, nil, fmt.Errorf("make preflight: %w", err)
	}
	request.Header.Set("Origin", p.Origin)
	request.Header.Set("Access-Control-Request-Method", p.Method)
	if len(p.Headers) > 0 {
		request.Header.Set("Access-Control-Request-Headers", strings.Join(p.Headers, ","))
	}
	answer, err := client.Do(request)
	if err != nil {
		return 0, nil, fmt.Errorf("%w: %w", ErrNoPreflight, err)
	}
	_, _ = io.Copy(io.Discard, io.LimitReader(answer.Body, maxRead))
	return answer.StatusCode, answer.Header, answer.Body.Close()
}

// bucketAddress is the URL of the bucket, as the SDK presigns it.
func bucketAddress(ctx context.Context, p Preflight, at *string) (string, error) {
	endpoint, err := awss3.NewDefaultEndpointResolverV2().ResolveEndpoint(ctx, awss3.EndpointParameters{
		Region: &p.Region, Bucket: &p.Bucket, Endpoint: at, ForcePathStyle: aws.Bool(at != nil),
	})
	if err != nil {
		return "", fmt.Errorf("resolve bucket's endpoint: %w", err)
	}
	address := endpoint.URI
	if !strings.HasSuffix(address.Path, "/") {
		address.Path += "/"
	}
	return address.String(), nil
}

// allows decides as a browser does. (Fetch Standard, "CORS-preflight fetch")
func allows(answer http.Header, p Preflight) bool {
	origin := answer.Get("Access-Control-Allow-Origin")
	if origin != "*" && origin != p.Origin {
		return false
	}
	if !lists(answer, "Access-Control-Allow-Methods", p.Method) {
		return false
	}
	return !slices.ContainsFunc(p.Headers, func(name string) bool { return !lists(answer, "Access-Control-Allow-Headers", name) })
}

// lists says whether a header of several values has this one, or all.
func lists(header http.Header, name, value string) bool {
	for _, one := range strings.FieldsFunc(strings.Join(header.Values(name), ","), func(r rune) bool { return r == ',' || r == ' ' }) {
		if one == "*" || strings.EqualFold(one, value) {
			return true
		}
	}
	return false
}
