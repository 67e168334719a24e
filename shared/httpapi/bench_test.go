package httpapi_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/arngate/arngate/shared/caller"
	"github.com/arngate/arngate/shared/httpapi"
	"github.com/arngate/arngate/shared/telemetry"
)

// BenchmarkEventToAnswer is what the gateway itself costs: an event in, an answer out, no AWS call.
func BenchmarkEventToAnswer(b *testing.B) {
	api := httpapi.New(httpapi.Options{Telemetry: telemetry.New(telemetry.Options{Out: io.Discard, Function: "bench"})})
	httpapi.Register(api, httpapi.Operation{
		ID: "echo", Method: http.MethodPost, Path: "/v1/dynamodb/{connection}/tables/{table}/search",
		Scopes: []string{caller.ScopeConnect},
	}, func(_ context.Context, in *struct {
		Connection string `path:"connection"`
		Table      string `path:"table"`
		httpapi.PageQuery
		Body struct {
			Where echoBody `json:"where"`
		}
	},
	) (*echoOutput, error) {
		out := &echoOutput{}
		out.Body.Name, out.Body.Item = in.Table, in.Body.Where.Item
		return out, nil
	})
	event := request{
		method: http.MethodPost, path: "/v1/dynamodb/orders/tables/Orders/search", query: "limit=10",
		routeKey:   "POST /v1/dynamodb/{connection}/tables/{table}/search",
		parameters: map[string]string{"connection": "orders", "table": "Orders"},
		header: map[string]string{
			"accept": "application/json", "user-agent": "bench/1", "x-forwarded-for": "192.0.2.1", "content-length": "80",
			"x-forwarded-port": "443", "x-forwarded-proto": "https", "x-amzn-trace-id": "Root=1-1-1", "accept-encoding": "gzip",
		},
		body: `{"where":{"method":"assume_role","age":3,"item":{"id":{"S":"42"}}}}`,
	}.event(b)
	invoke(b, api, event)
}

func BenchmarkAnswerOfBytes(b *testing.B) {
	for _, size := range []int{16 << 10, 1 << 20, 4 << 20} {
		for name, unit := range map[string]string{"binary": "\xff\x00", "text": "ab"} {
			b.Run(fmt.Sprintf("%s/%dKiB", name, size>>10), func(b *testing.B) {
				bench := newBench(b)
				bench.payload = []byte(strings.Repeat(unit, size/2))
				b.SetBytes(int64(size))
				invoke(b, bench.api, request{method: http.MethodPut, path: "/v1/bytes"}.event(b))
			})
		}
	}
}

func BenchmarkRequestOfBytes(b *testing.B) {
	for _, size := range []int{16 << 10, 1 << 20, 4 << 20} {
		b.Run(fmt.Sprintf("%dKiB", size>>10), func(b *testing.B) {
			bench := newBench(b)
			bench.payload = []byte("ok")
			b.SetBytes(int64(size))
			invoke(b, bench.api, request{
				method: http.MethodPut, path: "/v1/bytes", isBase64: true,
				body: base64.StdEncoding.EncodeToString(bytes.Repeat([]byte{0xff}, size)),
			}.event(b))
		})
	}
}

func invoke(b *testing.B, api *httpapi.API, event []byte) {
	b.Helper()
	handler, ctx := api.Handler(), context.Background()
	raw, err := handler.Invoke(ctx, event)
	if err != nil || !bytes.Contains(raw, []byte(`"statusCode":200`)) {
		b.Fatalf("answer %.300s, %v", raw, err)
	}
	b.ReportAllocs()
	for b.Loop() {
		_, _ = handler.Invoke(ctx, event)
	}
}
