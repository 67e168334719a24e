package transfers_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"

	"github.com/arngate/arngate/shared/audit"
	"github.com/arngate/arngate/shared/audit/transfers"
	"github.com/arngate/arngate/shared/awsclient"
	"github.com/arngate/arngate/shared/awsclient/s3client"
	"github.com/arngate/arngate/shared/localaws/localawstest"
	"github.com/arngate/arngate/shared/permissions"
	"github.com/arngate/arngate/shared/registry"
)

const (
	account = "444455556666"
	page    = "https://app.example"
)

// world is a local S3 with a bucket, and what checks it.
type world struct {
	local   *localawstest.AWS
	admin   *awss3.Client
	browser s3client.Browser
}

func newWorld(t *testing.T) world {
	t.Helper()
	local := localawstest.Start(t)
	id, secret := local.AddAccount(account)
	w := world{
		local:   local,
		admin:   awss3.NewFromConfig(local.Config(localawstest.Keys{AccessKeyID: id, SecretAccessKey: secret})),
		browser: s3client.Browser{Clients: awsclient.New(awsclient.Options{Endpoint: local.Endpoint(), Transport: local.Client().Transport})},
	}
	if _, err := w.admin.CreateBucket(t.Context(), &awss3.CreateBucketInput{Bucket: aws.String("files")}); err != nil {
		t.Fatal(err)
	}
	return w
}

// rules sets the bucket's CORS rules.
func (w world) rules(t *testing.T, rules ...types.CORSRule) {
	t.Helper()
	_, err := w.admin.PutBucketCors(t.Context(), &awss3.PutBucketCorsInput{
		Bucket: aws.String("files"), CORSConfiguration: &types.CORSConfiguration{CORSRules: rules},
	})
	if err != nil {
		t.Fatal(err)
	}
}

// kits is the rule that a role kit has.
func kits(methods ...string) types.CORSRule {
	return types.CORSRule{AllowedOrigins: []string{page}, AllowedMethods: methods, AllowedHeaders: []string{"*"}, ExposeHeaders: []string{"ETag"}}
}

func connection(change func(*permissions.Limits)) *registry.Opened {
	limits := permissions.Limits{
		Connector: permissions.S3, Region: localawstest.Region, Buckets: []permissions.Bucket{{Name: "files", Prefix: "a/"}, {Name: "files", Prefix: "b/"}},
	}
	change(&limits)
	return &registry.Opened{Connection: registry.Connection{Limits: limits}, Provider: registry.Provider{Name: "demo"}}
}

func writable(*permissions.Limits) {}

func readOnly(l *permissions.Limits) { l.ReadOnly = true }

// trap 23c: pages can use presigned URLs only where the bucket's CORS lets them, and a verify says so before a page finds out.
func TestTrap23cBucketsAnswerPages(t *testing.T) {
	for name, c := range map[string]struct {
		rules    []types.CORSRule
		origins  []string
		change   func(*permissions.Limits)
		verdict  audit.Verdict
		evidence string
	}{
		"as the kit has it":    {[]types.CORSRule{kits("GET", "HEAD", "POST", "PUT")}, []string{page}, writable, audit.Passed, "answer pages"},
		"no rules":             {nil, []string{page}, writable, audit.Failed, "files for GET of https://app.example; files for POST of"},
		"reads only":           {[]types.CORSRule{kits("GET", "HEAD")}, []string{page}, readOnly, audit.Passed, "answer pages"},
		"no uploads":           {[]types.CORSRule{kits("GET", "HEAD", "POST")}, []string{page}, writable, audit.Failed, "S3 refuses pages: files for PUT of https://app.example."},
		"one of two origins":   {[]types.CORSRule{kits("GET", "POST", "PUT")}, []string{page, "https://b.example"}, readOnly, audit.Failed, "files for GET of https://b.example"},
		"every origin":         {[]types.CORSRule{kits("GET", "POST", "PUT")}, []string{"*"}, readOnly, audit.Failed, "files for GET of any origin"},
		"every origin allowed": {[]types.CORSRule{{AllowedOrigins: []string{"*"}, AllowedMethods: []string{"GET"}}}, []string{"*"}, readOnly, audit.Passed, "answer pages"},
		"no origins":           {nil, nil, writable, audit.Skipped, "no other origin"},
		"every bucket": {nil, []string{page}, func(l *permissions.Limits) {
			l.Buckets = []permissions.Bucket{{Name: permissions.Every}}
		}, audit.Skipped, "names no bucket"},
		"no such bucket": {nil, []string{page}, func(l *permissions.Limits) {
			l.Buckets = []permissions.Bucket{{Name: "nowhere"}}
		}, audit.Unknown, "no answer to go by for nowhere"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			if c.rules != nil {
				w.rules(t, c.rules...)
			}
			checks := transfers.New(w.browser, c.origins).Check(t.Context(), connection(c.change))
			if len(checks) != 1 || checks[0].Name != transfers.CheckName || checks[0].Verdict != c.verdict || !strings.Contains(checks[0].Evidence, c.evidence) {
				t.Errorf("got %+v, want %s with %q", checks, c.verdict, c.evidence)
			}
			if remedy := checks[0].Remedy; c.verdict == audit.Failed != strings.Contains(remedy, "/v1/providers/demo/role-kit?format=cli") {
				t.Errorf("remedy %q", remedy)
			}
			for _, call := range w.local.Calls() {
				if call.Principal != "" && call.Operation == "OptionsObject" {
					t.Errorf("a preflight was signed: %+v", call)
				}
			}
		})
	}
}

func TestOtherConnectorsHaveNoBuckets(t *testing.T) {
	checks := transfers.New(newWorld(t).browser, []string{page}).Check(t.Context(), connection(func(l *permissions.Limits) { l.Connector = permissions.DynamoDB }))
	if checks != nil {
		t.Errorf("got %v", checks)
	}
}

// many is a browser that counts.
type many struct {
	mu      sync.Mutex
	buckets []string
	fail    error
}

func (m *many) Preflight(_ context.Context, p s3client.Preflight) (bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.buckets = append(m.buckets, p.Bucket)
	return m.fail == nil, m.fail
}

// A connection to very many buckets costs a bounded number of requests, and the check says that it saw a part.
func TestManyBuckets(t *testing.T) {
	for _, fail := range []error{nil, errors.New("no network")} {
		browser := &many{fail: fail}
		checks := transfers.New(browser, []string{page}).Check(t.Context(), connection(func(l *permissions.Limits) {
			l.Buckets = nil
			for i := range 100 {
				l.Buckets = append(l.Buckets, permissions.Bucket{Name: fmt.Sprintf("files-%d", i)})
			}
		}))
		if got := len(browser.buckets); got != 60 {
			t.Errorf("%d requests", got)
		}
		if fail == nil && (checks[0].Verdict != audit.Passed || !strings.Contains(checks[0].Evidence, "60 of 300")) {
			t.Errorf("got %+v", checks[0])
		}
		if fail != nil && (checks[0].Verdict != audit.Unknown || strings.Contains(checks[0].Evidence, http.MethodGet)) {
			t.Errorf("got %+v", checks[0])
		}
		if !slices.Contains(browser.buckets, "files-19") || slices.Contains(browser.buckets, "files-20") {
			t.Error("not the first buckets were asked")
		}
	}
}
