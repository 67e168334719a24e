package s3_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"

	"github.com/arngate/arngate/functions/s3"
	"github.com/arngate/arngate/shared/awsclient"
	"github.com/arngate/arngate/shared/connection"
	"github.com/arngate/arngate/shared/httpapi"
	"github.com/arngate/arngate/shared/telemetry"
)

// BenchmarkOverDirect is a warm download, from API Gateway's event to the answer to it, against a direct call of the SDK for the
// same object on the same local AWS: in turn, so that what slows one down slows down the other. x-p50 and so on are how many
// times as long it takes. Objects are bytes that base64 makes longer, as it does most.
func BenchmarkOverDirect(b *testing.B) {
	bench := newBench(b)
	bench.opener = connection.NewOpener(bench, bench, awsclient.New(awsclient.Options{Endpoint: bench.local.Endpoint()}))
	bench.api = httpapi.New(httpapi.Options{Telemetry: telemetry.New(telemetry.Options{Out: io.Discard, Function: "s3"})})
	s3.Register(bench.api, s3.Deps{Opener: bench.opener, Ring: &marked{}})
	cfg := bench.local.Config(bench.customer)
	// net/http at times closes a connection whose answer is quicker than it: the SDK tries again, for us as well.
	cfg.Retryer = func() aws.Retryer { return retry.NewStandard() }
	direct := awss3.NewFromConfig(cfg, func(o *awss3.Options) { o.UsePathStyle = true })
	for _, size := range []int{1 << 10, 16 << 10, 256 << 10, 1 << 20, 4 << 20} {
		b.Run(fmt.Sprintf("%dKiB", size>>10), func(b *testing.B) {
			key := fmt.Sprintf("bench/%d", size)
			bench.store(b, key, strings.Repeat("\xff\x00\xd8\x10", size/4))
			get := request{method: http.MethodGet, path: "files/buckets/demo-files/object", query: []string{"key", key, "delivery", "inline"}}
			event, handler := get.event(b), bench.api.Handler()
			if raw, err := handler.Invoke(b.Context(), event); err != nil || !bytes.Contains(raw, []byte(`"statusCode":200`)) {
				b.Fatalf("answer %.300s, %v", raw, err)
			}
			var ours, theirs []time.Duration
			for b.Loop() {
				start := time.Now()
				download(b, direct, key, size)
				between := time.Now()
				if _, err := handler.Invoke(context.Background(), event); err != nil {
					b.Fatal(err)
				}
				theirs, ours = append(theirs, between.Sub(start)), append(ours, time.Since(between))
			}
			slices.Sort(ours)
			slices.Sort(theirs)
			for _, percent := range []int{50, 95, 99} {
				at := len(ours) * percent / 100
				b.ReportMetric(float64(ours[at])/float64(theirs[at]), fmt.Sprintf("x-p%d", percent))
			}
			b.ReportMetric(float64(ours[len(ours)/2].Microseconds()), "µs-p50")
			bench.local.ResetCalls()
		})
	}
}

// download reads an object to its end.
func download(b *testing.B, client *awss3.Client, key string, size int) {
	b.Helper()
	out, err := client.GetObject(context.Background(), &awss3.GetObjectInput{Bucket: aws.String("demo-files"), Key: &key})
	if err != nil {
		b.Fatal(err)
	}
	if content, err := io.ReadAll(out.Body); err != nil || len(content) != size || out.Body.Close() != nil {
		b.Fatalf("%d bytes, %v", len(content), err)
	}
}
