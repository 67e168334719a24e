package deploymenttest

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
)

// kind is what a secret is.
type kind string

const (
	secretKey    kind = "secret access key"
	sessionToken kind = "session token"
	dataKey      kind = "data key, or what KMS has sealed"
)

// secrets sees all that passes between the functions and AWS, and what is sent to the API, and remembers each secret in it.
// None may be in an answer, a log line, a metric or a table. Safe for concurrent use.
type secrets struct {
	next http.RoundTripper

	mu    sync.Mutex
	known map[string]secret
}

// secret is what a secret is, and how it may be written.
type secret struct {
	kind      kind
	spellings []string
}

func newSecrets(next http.RoundTripper) *secrets {
	return &secrets{next: next, known: map[string]secret{}}
}

// found are the places of secrets in what is sent and answered.
func found() map[*regexp.Regexp]kind {
	return map[*regexp.Regexp]kind{
		secretElement: secretKey, tokenElement: sessionToken, plaintextMember: dataKey, secretMember: secretKey,
	}
}

var (
	secretElement   = regexp.MustCompile(`<SecretAccessKey>([^<]+)<`)
	tokenElement    = regexp.MustCompile(`<SessionToken>([^<]+)<`)
	plaintextMember = regexp.MustCompile(`"Plaintext":\s*"([^"]+)"`)
	secretMember    = regexp.MustCompile(`"secret_access_key":\s*"([^"]+)"`)
)

// RoundTrip passes a call on, and looks into those of STS and KMS.
func (s *secrets) RoundTrip(r *http.Request) (*http.Response, error) {
	if token := r.Header.Get("X-Amz-Security-Token"); token != "" {
		s.add(token, sessionToken)
	}
	signed := r.Header.Get("Authorization")
	if !strings.Contains(signed, "/sts/") && !strings.Contains(signed, "/kms/") {
		return s.next.RoundTrip(r)
	}
	var sent []byte
	if r.Body != nil {
		var err error
		if sent, err = io.ReadAll(r.Body); err != nil {
			return nil, errors.Join(err, r.Body.Close())
		}
	}
	s.search(sent)
	read := r.Clone(r.Context())
	read.Body = io.NopCloser(bytes.NewReader(sent))
	response, err := s.next.RoundTrip(read)
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(response.Body)
	if err != nil {
		return nil, errors.Join(err, response.Body.Close())
	}
	s.search(text)
	closing := response.Body
	response.Body = struct {
		io.Reader
		io.Closer
	}{bytes.NewReader(text), closing}
	return response, nil
}

// sent looks into a request's body and returns it as it was. A body that is not in memory is not looked into.
func (s *secrets) sent(body io.Reader) (io.Reader, error) {
	text, ok := body.(*strings.Reader)
	if !ok {
		return body, nil
	}
	all, err := io.ReadAll(text)
	if err != nil {
		return nil, fmt.Errorf("read request: %w", err)
	}
	s.search(all)
	return bytes.NewReader(all), nil
}

func (s *secrets) search(text []byte) {
	for place, k := range found() {
		for _, match := range place.FindAllSubmatch(text, -1) {
			s.add(string(match[1]), k)
			if plain, err := base64.StdEncoding.DecodeString(string(match[1])); k == dataKey && err == nil {
				s.add(string(plain), k)
			}
		}
	}
}

// shortest is the length below which a string is too common to be looked for.
const shortest = 12

func (s *secrets) add(plain string, k kind) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, known := s.known[plain]; !known && len(plain) >= shortest {
		s.known[plain] = secret{kind: k, spellings: spellings(plain)}
	}
}

// in returns the kinds of secrets that are in text, in the clear or in a common encoding.
func (s *secrets) in(text string) []kind {
	s.mu.Lock()
	defer s.mu.Unlock()
	var kinds []kind
	for _, known := range s.known {
		if slices.ContainsFunc(known.spellings, func(spelling string) bool { return strings.Contains(text, spelling) }) {
			kinds = append(kinds, known.kind)
		}
	}
	return kinds
}

// spellings are a secret as it is, in a URL, in hexadecimal, and in base64 wherever it begins in what is encoded.
func spellings(plain string) []string {
	out := []string{plain, url.QueryEscape(plain), hex.EncodeToString([]byte(plain))}
	for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		for shift := range 3 {
			encoded := encoding.EncodeToString([]byte(strings.Repeat("\x00", shift) + plain))
			// The first and the last characters depend on what stands beside the secret.
			out = append(out, encoded[4:len(encoded)-2])
		}
	}
	return out
}

// presigned are the answers that hold session tokens, because a presigned request needs them.
var presigned = regexp.MustCompile(`/(uploads|parts|downloads)$|X-Amz-Security-Token=`)

// checkAnswer fails the test if there is a secret in an answer.
func (s *secrets) checkAnswer(tb testing.TB, request string, a Answer) {
	tb.Helper()
	var header strings.Builder
	_ = a.Header.Write(&header) // a strings.Builder takes everything
	for _, k := range s.in(a.Body + header.String()) {
		route, _, _ := strings.Cut(request, "?")
		if k == sessionToken && (presigned.MatchString(route) || presigned.MatchString(header.String())) {
			continue
		}
		tb.Errorf("the answer to %s holds a %s", request, k)
	}
}

// checkKept fails the test if there is a secret in the logs, the metrics that are among them, or the gateway's tables.
func (s *secrets) checkKept(tb testing.TB, stack *Stack) {
	tb.Helper()
	logs := stack.Logs.String()
	if len(s.in(logs)) > 0 {
		for line := range strings.Lines(logs) {
			for _, k := range s.in(line) {
				tb.Errorf("the logs hold a %s: %s", k, line)
			}
		}
	}
	stack.AWS.ClearFaults()
	tables := awsdynamodb.NewFromConfig(stack.Operator())
	for _, table := range stack.Template.Tables {
		// The test's own context has ended by now.
		pages := awsdynamodb.NewScanPaginator(tables, &awsdynamodb.ScanInput{TableName: aws.String(table.Name)})
		for pages.HasMorePages() {
			page, err := pages.NextPage(context.WithoutCancel(tb.Context()))
			if err != nil {
				tb.Errorf("scan %s: %v", table.Name, err)
				break
			}
			for _, item := range page.Items {
				for _, k := range s.in(text(&types.AttributeValueMemberM{Value: item})) {
					tb.Errorf("the table %s holds a %s", table.Name, k)
				}
			}
		}
	}
}

// text is all that an attribute value holds.
func text(v types.AttributeValue) string {
	switch v := v.(type) {
	case *types.AttributeValueMemberS:
		return v.Value
	case *types.AttributeValueMemberN:
		return v.Value
	case *types.AttributeValueMemberB:
		return string(v.Value)
	case *types.AttributeValueMemberM:
		var all strings.Builder
		for name, member := range v.Value {
			all.WriteString(name + "\n" + text(member) + "\n")
		}
		return all.String()
	case *types.AttributeValueMemberL:
		var all strings.Builder
		for _, member := range v.Value {
			all.WriteString(text(member) + "\n")
		}
		return all.String()
	default:
		return fmt.Sprintf("%v", v)
	}
}
