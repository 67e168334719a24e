package awsclient_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awscredentials "github.com/aws/aws-sdk-go-v2/credentials"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamodbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/google/go-cmp/cmp"

	"github.com/arngate/arngate/shared/awsclient"
	"github.com/arngate/arngate/shared/awsclient/lambdaclient"
	"github.com/arngate/arngate/shared/awsclient/s3client"
	"github.com/arngate/arngate/shared/secrettest"
)

const region = "eu-central-1"

func withCredentials(ctx context.Context) context.Context {
	return awsclient.WithCredentials(ctx, aws.Credentials{
		AccessKeyID: "ASIACUSTOMER", SecretAccessKey: secrettest.Plant(secrettest.SecretKey, "/s"),
		SessionToken: secrettest.Plant(secrettest.SessionToken, "/t"),
	})
}

// serve starts a server that answers with handle, and returns clients that call it.
func serve(t *testing.T, handle http.HandlerFunc) (*awsclient.Clients, *httptest.Server) {
	t.Helper()
	server := httptest.NewServer(handle)
	t.Cleanup(server.Close)
	return awsclient.New(awsclient.Options{Endpoint: server.URL}), server
}

func dynamoDB(t *testing.T, c *awsclient.Clients) *awsdynamodb.Client {
	t.Helper()
	client, err := c.DynamoDB(region)
	if err != nil {
		t.Fatal(err)
	}
	return client
}

func TestTrap5NoCredentialsNoCall(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "ASIAGATEWAY")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "gateway")
	var calls atomic.Int64
	clients, _ := serve(t, func(http.ResponseWriter, *http.Request) { calls.Add(1) })
	for name, ctx := range map[string]context.Context{
		"none":  t.Context(),
		"empty": awsclient.WithCredentials(t.Context(), aws.Credentials{}),
	} {
		_, err := dynamoDB(t, clients).ListTables(ctx, &awsdynamodb.ListTablesInput{})
		if !errors.Is(err, awsclient.ErrNoCredentials) {
			t.Errorf("%s: got %v, want ErrNoCredentials", name, err)
		}
	}
	if got := calls.Load(); got != 0 {
		t.Errorf("got %d calls, want none", got)
	}
}

func TestCredentialsOfEachCall(t *testing.T) {
	var signed []string
	clients, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		signed = append(signed, strings.Split(strings.Split(r.Header.Get("Authorization"), "Credential=")[1], "/")[0])
		_, _ = io.WriteString(w, "{}")
	})
	for _, id := range []string{"ASIAONE", "ASIATWO", "ASIAONE"} {
		ctx := awsclient.WithCredentials(t.Context(), aws.Credentials{AccessKeyID: id, SecretAccessKey: secrettest.Plant(secrettest.SecretKey, "/s")})
		if _, err := dynamoDB(t, clients).ListTables(ctx, &awsdynamodb.ListTablesInput{}); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff([]string{"ASIAONE", "ASIATWO", "ASIAONE"}, signed); diff != "" {
		t.Error(diff)
	}
}

func TestOneClientPerRegion(t *testing.T) {
	clients := awsclient.New(awsclient.Options{})
	first, second := dynamoDB(t, clients), dynamoDB(t, clients)
	if first != second {
		t.Error("a second client was made for the region")
	}
	other, err := clients.DynamoDB("us-east-1")
	if err != nil || other == first {
		t.Errorf("got %p, %v, want another client for another region", other, err)
	}
}

func TestTrap21Regions(t *testing.T) {
	clients := awsclient.New(awsclient.Options{Partition: "aws", Regions: []string{"eu-central-1", "us-east-1"}})
	for _, allowed := range []string{"eu-central-1", "us-east-1"} {
		if err := clients.CheckRegion(allowed); err != nil {
			t.Errorf("%s: %v", allowed, err)
		}
	}
	for _, refused := range []string{
		"", "us-east-1.evil.example#", "us-east-1.evil.example/", "evil", "US-EAST-1", "us-east-1 ", "us-east-99", "aws-global",
		"eu-west-1" /* not on the list */, "cn-north-1" /* another partition */, "us-east-1@evil", "../us-east-1",
	} {
		if err := clients.CheckRegion(refused); !errors.Is(err, awsclient.ErrRegion) {
			t.Errorf("%q: got %v, want ErrRegion", refused, err)
		}
		if _, err := s3client.For(clients, refused); !errors.Is(err, awsclient.ErrRegion) {
			t.Errorf("S3(%q): got %v, want ErrRegion", refused, err)
		}
	}
}

// The table of regions is the SDK's own.
func TestRegionsAreTheSDKs(t *testing.T) {
	out, err := exec.CommandContext(t.Context(), "go", "list", "-m", "-f", "{{.Dir}}", "github.com/aws/aws-sdk-go-v2").Output()
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(filepath.Join(strings.TrimSpace(string(out)), "internal/endpoints/awsrulesfn/partitions.json"))
	if err != nil {
		t.Fatal(err)
	}
	var sdk struct {
		Partitions []struct {
			ID      string                     `json:"id"`
			Regions map[string]json.RawMessage `json:"regions"`
		} `json:"partitions"`
	}
	if err := json.Unmarshal(text, &sdk); err != nil {
		t.Fatal(err)
	}
	known := 0
	for _, partition := range sdk.Partitions {
		for name := range partition.Regions {
			if strings.HasSuffix(name, "-global") {
				continue
			}
			known++
			if got, err := awsclient.PartitionOf(name); err != nil || got != partition.ID {
				t.Errorf("%s: got %q, %v, want %q", name, got, err, partition.ID)
			}
		}
	}
	if known < 30 {
		t.Errorf("got %d regions, want the SDK's", known)
	}
}

func TestS3PathStyleAtAnEndpoint(t *testing.T) {
	var path string
	clients, _ := serve(t, func(_ http.ResponseWriter, r *http.Request) { path = r.URL.Path })
	client, err := s3client.For(clients, region)
	if err != nil {
		t.Fatal(err)
	}
	out, err := client.GetObject(withCredentials(t.Context()), &awss3.GetObjectInput{Bucket: aws.String("files"), Key: aws.String("a b")})
	if err != nil {
		t.Fatal(err)
	}
	_ = out.Body.Close()
	if got, want := path, "/files/a b"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

// A redirect is AWS's answer, not to be followed with the customer's signature.
func TestTrap35RedirectsAreAnswers(t *testing.T) {
	var followed atomic.Bool
	clients, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/elsewhere" {
			followed.Store(true)
		}
		w.Header().Set("Location", "/elsewhere")
		w.Header().Set("X-Amz-Bucket-Region", "us-east-1")
		w.WriteHeader(http.StatusTemporaryRedirect)
	})
	client, err := s3client.For(clients, region)
	if err != nil {
		t.Fatal(err)
	}
	_, err = client.HeadBucket(withCredentials(t.Context()), &awss3.HeadBucketInput{Bucket: aws.String("files")})
	if err == nil || followed.Load() {
		t.Errorf("got %v, followed %t, want an error and no second request", err, followed.Load())
	}
}

func TestObserverSeesEachAttempt(t *testing.T) {
	answers := 0
	clients, _ := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		answers++
		w.Header().Set("X-Amzn-Requestid", "request-"+strconv.Itoa(answers))
		if answers == 1 {
			w.WriteHeader(http.StatusInternalServerError)
			return
		}
		_, _ = io.WriteString(w, "{}")
	})
	var seen []string
	ctx := awsclient.WithObserver(withCredentials(t.Context()), func(a awsclient.Attempt) {
		seen = append(seen, a.Operation+" "+a.RequestID)
	})
	if _, err := dynamoDB(t, clients).ListTables(ctx, &awsdynamodb.ListTablesInput{}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"ListTables request-1", "ListTables request-2"}, seen); diff != "" {
		t.Error(diff)
	}
}

// A server's clock is right and ours is not: after a thaw, say. The SDK learns from the answer and signs again.
func TestTrap12StaleClock(t *testing.T) {
	var dates []string
	clients, _ := serve(t, func(w http.ResponseWriter, r *http.Request) {
		dates = append(dates, r.Header.Get("X-Amz-Date"))
		serverNow := time.Now().Add(2 * time.Hour).UTC()
		w.Header().Set("Date", serverNow.Format(http.TimeFormat))
		signed, err := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
		if err != nil || serverNow.Sub(signed) > 5*time.Minute {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = io.WriteString(w, `{"__type":"com.amazon.coral.service#InvalidSignatureException","message":"Signature expired"}`)
			return
		}
		_, _ = io.WriteString(w, "{}")
	})
	// A write, too: a refused signature means that nothing was done.
	_, err := dynamoDB(t, clients).PutItem(withCredentials(t.Context()), &awsdynamodb.PutItemInput{
		TableName: aws.String("t"), Item: map[string]dynamodbtypes.AttributeValue{},
	})
	if err != nil || len(dates) != 2 {
		t.Errorf("got %v after %d attempts, want success at the second", err, len(dates))
	}
}

func TestOwnUsesTheGivenProvider(t *testing.T) {
	var authorization string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		authorization = r.Header.Get("Authorization")
		_, _ = io.WriteString(w, "{}")
	}))
	t.Cleanup(server.Close)
	own := awsclient.Own(awsclient.OwnOptions{
		Region: region, Endpoint: server.URL, Provider: awscredentials.NewStaticCredentialsProvider("ASIAGATEWAY", "s", "t"),
	})
	if _, err := awsdynamodb.NewFromConfig(own).ListTables(t.Context(), &awsdynamodb.ListTablesInput{}); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(authorization, "ASIAGATEWAY") {
		t.Errorf("got %q, want it signed with the given credentials", authorization)
	}
}

func BenchmarkClientForRegion(b *testing.B) {
	clients := awsclient.New(awsclient.Options{})
	b.ReportAllocs()
	for b.Loop() {
		if _, err := lambdaclient.For(clients, region); err != nil {
			b.Fatal(err)
		}
	}
}
