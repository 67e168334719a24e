package dynamodb_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/retry"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"github.com/arngate/arngate/functions/dynamodb/value"
	"github.com/arngate/arngate/shared/localaws/localawstest"
)

// BenchmarkOverDirect is a warm request, from API Gateway's event to the answer to it, against a direct call of the SDK for the same
// work on the same local AWS: in turn, so that what slows one down slows down the other. x-p50 and so on are how many times
// as long it takes.
func BenchmarkOverDirect(b *testing.B) {
	local := localawstest.Listen(b)
	bench := benchOn(b, local, nil, io.Discard)
	cfg := local.Config(bench.keys)
	// net/http at times closes a connection whose answer is quicker than it: the SDK tries again, for us as well.
	cfg.Retryer = func() aws.Retryer { return retry.NewStandard() }
	bench.client = awsdynamodb.NewFromConfig(cfg)
	for i := range 100 {
		bench.put(b, fmt.Sprintf(`{"id":"p-%03d","customer":"page","placed":"2026-02-%03d","status":"open","total":%d.5,"tags":{"$set":["a","b"]},"address":{"city":"Porto","lines":["x","y"]}}`, i, i, i))
	}
	for _, tc := range []struct {
		name    string
		request request
		direct  *awsdynamodb.QueryInput
	}{
		{
			"item",
			request{method: http.MethodGet, path: "orders/tables/Orders/item", query: parameters([]string{"key", `{"id":"p-007"}`})},
			query("id", "p-007", ""),
		},
		{
			"search of one",
			request{method: http.MethodPost, path: "orders/tables/Orders/search", body: `{"where":{"field":"id","op":"=","value":"p-007"}}`},
			query("id", "p-007", ""),
		},
		{
			"page of 100",
			request{method: http.MethodPost, path: "orders/tables/Orders/search", body: `{"where":{"field":"customer","op":"=","value":"page"},"limit":100}`},
			query("customer", "page", "by-customer"),
		},
		{
			"native page of 100",
			request{method: http.MethodPost, path: "orders/tables/Orders/query", body: `{"key_condition":"customer = :c","values":{":c":"page"},"index":"by-customer","limit":100}`},
			query("customer", "page", "by-customer"),
		},
	} {
		b.Run(tc.name, func(b *testing.B) { overDirect(b, bench, tc.request.event(b), tc.direct) })
	}
}

func query(attribute, equal, index string) *awsdynamodb.QueryInput {
	in := &awsdynamodb.QueryInput{
		TableName: aws.String("Orders"), KeyConditionExpression: aws.String(attribute + " = :v"), Limit: aws.Int32(100),
		ExpressionAttributeValues: value.Item{":v": &types.AttributeValueMemberS{Value: equal}},
	}
	if index != "" {
		in.IndexName = aws.String(index)
	}
	return in
}

func overDirect(b *testing.B, over *bench, event []byte, in *awsdynamodb.QueryInput) {
	b.Helper()
	handler, ctx := over.api.Handler(), context.Background()
	if raw, err := handler.Invoke(ctx, event); err != nil || !bytes.Contains(raw, []byte(`"statusCode":200`)) {
		b.Fatalf("answer %s, %v", raw, err)
	}
	var ours, direct []time.Duration
	for b.Loop() {
		start := time.Now()
		if _, err := over.client.Query(ctx, in); err != nil {
			b.Fatal(err)
		}
		between := time.Now()
		if _, err := handler.Invoke(ctx, event); err != nil {
			b.Fatal(err)
		}
		direct, ours = append(direct, between.Sub(start)), append(ours, time.Since(between))
	}
	slices.Sort(ours)
	slices.Sort(direct)
	for _, percent := range []int{50, 95, 99} {
		at := len(ours) * percent / 100
		b.ReportMetric(float64(ours[at])/float64(direct[at]), fmt.Sprintf("x-p%d", percent))
	}
	b.ReportMetric(float64(ours[len(ours)/2].Microseconds()), "µs-p50")
	over.local.ResetCalls()
}

// BenchmarkPages is how cost grows with the items of a page.
func BenchmarkPages(b *testing.B) {
	local := localawstest.Start(b)
	bench := benchOn(b, local, local.Transport(), io.Discard)
	for i := range 1000 {
		bench.put(b, fmt.Sprintf(`{"id":"g-%04d","customer":"grown","placed":"%04d","total":%d}`, i, i, i))
	}
	for _, n := range []int{1, 10, 100, 1000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			event := request{
				method: http.MethodPost, path: "orders/tables/Orders/search",
				body: fmt.Sprintf(`{"where":{"field":"customer","op":"=","value":"grown"},"limit":%d}`, n),
			}.event(b)
			handler := bench.api.Handler()
			b.ReportAllocs()
			for b.Loop() {
				if raw, err := handler.Invoke(context.Background(), event); err != nil || !bytes.Contains(raw, []byte(`"statusCode":200`)) {
					b.Fatalf("answer %s, %v", raw, err)
				}
			}
			bench.local.ResetCalls()
		})
	}
}
