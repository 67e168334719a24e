package deployment_test

import (
	"net/http"

	"github.com/arngate/arngate/functions/local/deployment/deploymenttest"
	"github.com/arngate/arngate/shared/demosite"
)

// reads are the ways to read. What they answer by success is all that there is.
func reads() []act {
	get := func(name, path string, want ...string) act {
		return reading(name, request{http.MethodGet, path, "", nil}, want...)
	}
	post := func(name, path, body string, want ...string) act {
		return reading(name, request{http.MethodPost, path, body, nil}, want...)
	}
	const tables, search = "/v1/dynamodb/orders/tables", `{"where":{"field":"customer","op":"=","value":"north-harbour"},"order":{"field":"placed"},"limit":3}`
	const query = `{"key_condition":"customer = :c","values":{":c":"north-harbour"},"index":"by-customer","limit":3}`
	return []act{
		get("get-item", itemRoute+keyOfItem("o-001"), `"north-harbour"`),
		get("list-tables", tables, demosite.Table),
		get("describe-table", tables+"/Orders", "by-customer"),
		get("list-items", tables+"/Orders/items?limit=2", `"items":[{`),
		post("search", tables+"/Orders/search", search, `"o-001"`, `"o-004"`, `"o-007"`, `"next_cursor"`),
		post("query", tables+"/Orders/query", query, `"o-001"`, `"o-004"`, `"o-007"`, `"next_cursor"`),
		post("scan", tables+"/Orders/scan", `{"limit":2}`, `"items":[{`, `"next_cursor"`),
		get("list-objects", bucketRoute+"/objects?prefix=reports/2026/", "reports/2026/q1.csv", "reports/2026/q2.csv"),
		get("list-buckets", "/v1/s3/files/buckets", demosite.Bucket),
		get("get-object", objectRoute("readme.txt"), "Files of the demo site.\n"),
		get("get-metadata", bucketRoute+"/object/metadata?key=readme.txt", `"text/plain`),
		get("get-acl", bucketRoute+"/object/acl?key=readme.txt", "FULL_CONTROL"),
		post("download", "/v1/s3/files/downloads", `{"objects":[{"bucket":"demo-files","key":"readme.txt"}]}`, "X-Amz-Signature"),
		post("create-upload", bucketRoute+"/uploads", `{"key":"photos/cat.jpg","content_type":"image/jpeg","max_size":1024}`, "X-Amz-Signature"),
		post("sign-parts", bucketRoute+"/uploads/parts", `{"key":"videos/launch.mp4","upload_id":"VXBsb2FkIElE","numbers":[1,2]}`, "X-Amz-Signature"),
		get("list-functions", "/v1/lambda/actions/functions", demosite.Function),
		get("me", "/v1/me", `"files"`, `"orders"`),
		get("get-provider", "/v1/providers/demo", `"ready"`),
		get("list-providers", "/v1/providers?limit=1000", `"demo"`),
		get("get-connection", "/v1/connections/files", demosite.Bucket),
		get("list-connections", "/v1/connections?limit=1000", `"files"`, `"orders"`),
		get("role-kit", "/v1/providers/demo/role-kit?format=cli", "aws iam create-role"),
	}
}

func reading(name string, r request, want ...string) act {
	return act{
		name: name, request: func(*world, string) request { return r },
		check: func(_ *world, _ string, a deploymenttest.Answer) string {
			for _, word := range want {
				if wrong := lacks(a.Body, word); wrong != "" {
					return wrong
				}
			}
			return ""
		},
	}
}
