package dynamodb_test

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	awsiam "github.com/aws/aws-sdk-go-v2/service/iam"

	"github.com/arngate/arngate/functions/dynamodb/value"
	"github.com/arngate/arngate/functions/local/deployment/deploymenttest"
	"github.com/arngate/arngate/shared/assembly"
	"github.com/arngate/arngate/shared/caller"
	"github.com/arngate/arngate/shared/config"
	"github.com/arngate/arngate/shared/connection"
	"github.com/arngate/arngate/shared/demosite"
	"github.com/arngate/arngate/shared/permissions"
	"github.com/arngate/arngate/shared/problem"
)

// route is a route as a client of the demo site calls it. Its paths are below /v1/dynamodb/{connection}.
type route struct {
	name, method string
	path, body   string // good input
	badPath      string // empty: path
	badBody      string
	badCode      problem.Code
	action       string // that the role needs; besides, some need dynamodb:DescribeTable
	write        bool
}

const keyOfFirst = `?key=%7B%22id%22%3A%22o-001%22%7D`

var routes = []route{
	{name: "list tables", method: http.MethodGet, path: "/tables", badPath: "/tables?limit=0", badCode: problem.InvalidRequest, action: "dynamodb:ListTables"},
	{name: "describe a table", method: http.MethodGet, path: "/tables/Orders", badPath: "/tables/Orders?samples=1", badCode: problem.InvalidRequest, action: "dynamodb:DescribeTable"},
	{name: "sample a table", method: http.MethodGet, path: "/tables/Orders?sample=10", badPath: "/tables/Orders?sample=many", badCode: problem.InvalidRequest, action: "dynamodb:Scan"},
	{name: "get an item", method: http.MethodGet, path: "/tables/Orders/item" + keyOfFirst, badPath: "/tables/Orders/item?key=1", badCode: problem.InvalidRequest, action: "dynamodb:Query"},
	{name: "put an item", method: http.MethodPut, path: "/tables/Orders/item", body: `{"item":{"id":"o-001","v":1}}`, badBody: `{"item":[]}`, badCode: problem.InvalidRequest, action: "dynamodb:PutItem", write: true},
	{name: "update an item", method: http.MethodPatch, path: "/tables/Orders/item" + keyOfFirst, body: `{"add":{"n":1}}`, badBody: `{"add":{"n":"x"}}`, badCode: problem.InvalidRequest, action: "dynamodb:UpdateItem", write: true},
	{name: "list items", method: http.MethodGet, path: "/tables/Orders/items?limit=2", badPath: "/tables/Orders/items?cursor=x", badCode: problem.CursorInvalid, action: "dynamodb:Scan"},
	{name: "search by a key", method: http.MethodPost, path: "/tables/Orders/search", body: `{"where":{"field":"customer","op":"=","value":"velo-works"}}`, badBody: `{"where":{"field":"customer"}}`, badCode: problem.InvalidRequest, action: "dynamodb:Query"},
	{name: "search without", method: http.MethodPost, path: "/tables/Orders/search", body: `{"where":{"field":"total","op":">","value":100}}`, badBody: `{"order":{"field":"total"}}`, badCode: problem.OrderUnsupported, action: "dynamodb:Scan"},
	{name: "query", method: http.MethodPost, path: "/tables/Orders/query", body: `{"key_condition":"id = :id","values":{":id":"o-001"}}`, badBody: `{"key_condition":"id"}`, badCode: problem.AWSRejected, action: "dynamodb:Query"},
	{name: "scan", method: http.MethodPost, path: "/tables/Orders/scan", body: `{}`, badBody: `{"segment":3,"total_segments":3}`, badCode: problem.InvalidRequest, action: "dynamodb:Scan"},
	{name: "write as one", method: http.MethodPost, path: "/writes", body: `{"atomic":true,"writes":[{"update":{"table":"Orders","key":{"id":"o-001"},"set":{"v":2}}}]}`, badBody: `{"writes":[{}]}`, badCode: problem.InvalidRequest, action: "dynamodb:UpdateItem", write: true},
	{name: "delete as one", method: http.MethodPost, path: "/writes", body: `{"atomic":true,"writes":[{"delete":{"table":"Orders","key":{"id":"o-009"}}}]}`, badBody: `{"writes":{}}`, badCode: problem.InvalidRequest, action: "dynamodb:DeleteItem", write: true},
	{name: "delete an item", method: http.MethodDelete, path: "/tables/Orders/item" + keyOfFirst, badPath: "/tables/Orders/item?key=%7B%7D", badCode: problem.InvalidRequest, action: "dynamodb:DeleteItem", write: true},
}

// bad is the route with the input that it refuses.
func (r route) bad() route {
	if r.badPath != "" {
		r.path = r.badPath
	}
	r.body = r.badBody
	return r
}

func call(s *deploymenttest.Stack, connection, token string, r route) answer {
	a := s.Call(r.method, "/v1/dynamodb/"+connection+r.path, token, r.body)
	return answer{Status: a.Status, Body: a.Body}
}

// trap 23 among others.
func TestEveryRouteFromTheGateToAWS(t *testing.T) {
	s := deploymenttest.Start(t)
	poorConnection(t, s, "poor", `"dynamodb:DescribeTable"`)
	poorConnection(t, s, "poorest", `"s3:ListBucket"`)
	s.Connection("look", "dynamodb", demosite.Provider, `"read_only":true,"tables":["Orders"]`)
	other := s.TokenOf(demosite.OtherSite, demosite.User, "arngate/connect")
	for _, r := range routes {
		t.Run(r.name, func(t *testing.T) {
			call(s, "orders", s.Builder(), r.bad()).wantCode(t, r.badCode)
			poor := "poor"
			if r.action == "dynamodb:DescribeTable" {
				poor = "poorest"
			}
			denied := call(s, poor, s.Builder(), r).wantProblem(t, problem.AWSAccessDenied)
			if denied.MissingAction != r.action || !strings.HasPrefix(denied.Resource, "arn:aws:dynamodb:") && denied.Resource != "*" {
				t.Errorf("missing %q on %q, want %s", denied.MissingAction, denied.Resource, r.action)
			}
			call(s, "orders", other, r).wantCode(t, problem.ConnectionNotFound)
			s.AWS.ResetCalls()
			looked := call(s, "look", s.Builder(), r)
			if r.write {
				looked.wantCode(t, problem.ConnectionForbids)
				if calls := s.AWS.Calls(); len(calls) > 0 {
					t.Errorf("AWS was asked for %s", calls[0].Operation)
				}
			} else if looked.Status != http.StatusOK {
				t.Errorf("a read by a read-only connection: %d %s", looked.Status, looked.Body)
			}
			if a := call(s, "orders", s.Builder(), r); a.Status != http.StatusOK {
				t.Errorf("good input: %d %s", a.Status, a.Body)
			}
		})
	}
}

// wantCode checks a problem, wherever in the request it is.
func (a answer) wantCode(t *testing.T, code problem.Code) {
	t.Helper()
	if a.Status != problem.Lookup(code).Status || !strings.Contains(a.Body, `"code":"`+string(code)+`"`) {
		t.Errorf("answer %d %s, want %s", a.Status, a.Body, code)
	}
}

// poorConnection makes a connection whose role may do nothing but one action.
func poorConnection(t *testing.T, s *deploymenttest.Stack, name, action string) {
	t.Helper()
	arn := s.Role("/skuid-assumable-role/", name, demosite.Site, "")
	_, err := awsiam.NewFromConfig(s.Customer()).PutRolePolicy(t.Context(), &awsiam.PutRolePolicyInput{
		RoleName: aws.String(name), PolicyName: aws.String("one"),
		PolicyDocument: aws.String(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":` + action + `,"Resource":"*"}}`),
	})
	if err != nil {
		t.Fatal(err)
	}
	s.Provider(name, arn)
	s.Connection(name, "dynamodb", name, `"tables":["*"]`)
}

// opener opens connections as the function does.
func opener(t *testing.T, s *deploymenttest.Stack) *connection.Opener {
	t.Helper()
	declared, ok := s.Template.Function("DynamodbFunction")
	if !ok {
		t.Fatal("the template has no such function")
	}
	environment := maps.Clone(declared.Environment)
	environment["AWS_ENDPOINT_URL"], environment["AWS_REGION"] = aws.ToString(s.Customer().BaseEndpoint), demosite.Region
	environment["AWS_LAMBDA_FUNCTION_NAME"] = declared.Name
	settings, err := config.Parse[config.Connector](environment)
	if err != nil {
		t.Fatal(err)
	}
	gateway, err := assembly.OpenGateway(t.Context(), settings.Gateway, assembly.Runtime{Out: io.Discard, Transport: s.AWS.Transport(), Provider: s.Credentials(declared)})
	if err != nil {
		t.Fatal(err)
	}
	return gateway.Opener
}

// A connection's limits hold at AWS too, whatever its role may do and whatever Arngate would let through.
func TestTheSessionPolicyHoldsAtAWS(t *testing.T) {
	s := deploymenttest.Start(t)
	s.Provider("mighty", s.Role("/skuid-assumable-role/", "mighty", demosite.Site, "AdministratorAccess"))
	s.Connection("look", "dynamodb", "mighty", `"read_only":true,"tables":["Orders"]`)
	s.Connection("users", "dynamodb", "mighty", `"tables":["Users"]`)
	key := value.Item{"id": &types.AttributeValueMemberS{Value: "o-001"}}
	table := aws.String(demosite.Table)
	writes := map[string]func(context.Context, *awsdynamodb.Client) error{
		"PutItem": func(ctx context.Context, c *awsdynamodb.Client) error {
			_, err := c.PutItem(ctx, &awsdynamodb.PutItemInput{TableName: table, Item: key})
			return err
		},
		"UpdateItem": func(ctx context.Context, c *awsdynamodb.Client) error {
			_, err := c.UpdateItem(ctx, &awsdynamodb.UpdateItemInput{TableName: table, Key: key})
			return err
		},
		"DeleteItem": func(ctx context.Context, c *awsdynamodb.Client) error {
			_, err := c.TransactWriteItems(ctx, &awsdynamodb.TransactWriteItemsInput{TransactItems: []types.TransactWriteItem{{Delete: &types.Delete{TableName: table, Key: key}}}})
			return err
		},
		"BatchWriteItem": func(ctx context.Context, c *awsdynamodb.Client) error {
			_, err := c.BatchWriteItem(ctx, &awsdynamodb.BatchWriteItemInput{RequestItems: map[string][]types.WriteRequest{demosite.Table: {{PutRequest: &types.PutRequest{Item: key}}}}})
			return err
		},
	}
	reads := map[string]func(context.Context, *awsdynamodb.Client) error{
		"DescribeTable": func(ctx context.Context, c *awsdynamodb.Client) error {
			_, err := c.DescribeTable(ctx, &awsdynamodb.DescribeTableInput{TableName: table})
			return err
		},
		"Scan": func(ctx context.Context, c *awsdynamodb.Client) error {
			_, err := c.Scan(ctx, &awsdynamodb.ScanInput{TableName: table})
			return err
		},
		"Query": func(ctx context.Context, c *awsdynamodb.Client) error {
			_, err := c.Query(ctx, &awsdynamodb.QueryInput{
				TableName: table, KeyConditionExpression: aws.String("id = :id"), ExpressionAttributeValues: value.Item{":id": key["id"]},
			})
			return err
		},
	}
	connections := opener(t, s)
	user := caller.Caller{Site: demosite.Site, User: demosite.User, Groups: []string{"builders"}}
	for name, tc := range map[string]struct {
		connection string
		operations []map[string]func(context.Context, *awsdynamodb.Client) error
	}{
		"read-only":     {"look", []map[string]func(context.Context, *awsdynamodb.Client) error{writes}},
		"another table": {"users", []map[string]func(context.Context, *awsdynamodb.Client) error{writes, reads}},
	} {
		conn, err := connections.Open(t.Context(), user, tc.connection, permissions.DynamoDB)
		if err != nil {
			t.Fatal(err)
		}
		for _, operations := range tc.operations {
			for operation, do := range operations {
				t.Run(name+" "+operation, func(t *testing.T) {
					err := conn.Call(t.Context(), operation, "", "", func(ctx context.Context) error { return do(ctx, conn.DynamoDB()) })
					if p := problem.FromAWS("dynamodb", operation, err); p.Code != problem.AWSAccessDenied || p.MissingAction != "dynamodb:"+operation || !strings.Contains(p.AWS.Message, "session policy") {
						t.Errorf("problem %+v", p)
					}
				})
			}
		}
	}
	conn, err := connections.Open(t.Context(), user, "look", permissions.DynamoDB)
	if err != nil {
		t.Fatal(err)
	}
	if err := conn.Call(t.Context(), "Query", "", "", func(ctx context.Context) error { return reads["Query"](ctx, conn.DynamoDB()) }); err != nil {
		t.Errorf("what the connection includes: %v", err)
	}
}

// itemPath is the path of one of the demo's orders.
func itemPath(id string) string {
	return "/tables/Orders/item?" + url.Values{"key": {fmt.Sprintf(`{"id":%q}`, id)}}.Encode()
}
