package dynamodb_test

import (
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	awsdynamodb "github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"

	"github.com/arngate/arngate/shared/localaws/dynamodb"
	"github.com/arngate/arngate/shared/localaws/protocol"
)

const (
	account = "111122223333"
	region  = "eu-west-1"
)

// local is a DynamoDB of its own behind a listener, with a fixed caller and a clock that the test sets.
type local struct {
	*awsdynamodb.Client
	service *dynamodb.Service
	now     atomic.Int64 // seconds
}

func start(t *testing.T) *local {
	t.Helper()
	l := &local{service: dynamodb.New()}
	l.now.Store(1_800_000_000)
	server := httptest.NewServer(http.HandlerFunc(l.serve))
	t.Cleanup(server.Close)
	l.Client = awsdynamodb.New(awsdynamodb.Options{
		Region:       region,
		BaseEndpoint: aws.String(server.URL),
		Credentials:  credentials.NewStaticCredentialsProvider("AKIAEXAMPLE", "secret", ""),
		Retryer:      aws.NopRetryer{},
	})
	return l
}

func (l *local) call(r *http.Request, body []byte) *protocol.Call {
	return &protocol.Call{
		Service: "dynamodb", Region: region, Request: r, Body: body, RequestID: "request", Now: time.Unix(l.now.Load(), 0),
		Principal: &protocol.Principal{Account: account},
	}
}

func (l *local) serve(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	c := l.call(r, body)
	if _, err = l.service.Resolve(c); err == nil {
		err = l.service.Serve(w, c)
	}
	var refused *protocol.Error
	switch {
	case errors.As(err, &refused):
		protocol.WriteError(w, protocol.JSON10, c.RequestID, refused)
	case err != nil:
		http.Error(w, err.Error(), http.StatusInternalServerError)
	}
}

// raw sends a body as it is, and returns the status and the answer.
func (l *local) raw(t *testing.T, operation, body string) (status int, answer string) {
	t.Helper()
	r := httptest.NewRequestWithContext(t.Context(), http.MethodPost, "/", strings.NewReader(body))
	r.Header.Set("X-Amz-Target", "DynamoDB_20120810."+operation)
	w := httptest.NewRecorder()
	l.serve(w, r)
	return w.Code, w.Body.String()
}

// Short forms of the SDK's types.
type item = map[string]types.AttributeValue

func str(s string) types.AttributeValue { return &types.AttributeValueMemberS{Value: s} }
func num(n string) types.AttributeValue { return &types.AttributeValueMemberN{Value: n} }
func bin(b ...byte) types.AttributeValue {
	return &types.AttributeValueMemberB{Value: append([]byte{}, b...)}
}

func hash(name string) types.KeySchemaElement {
	return types.KeySchemaElement{AttributeName: aws.String(name), KeyType: types.KeyTypeHash}
}

func sorted(name string) types.KeySchemaElement {
	return types.KeySchemaElement{AttributeName: aws.String(name), KeyType: types.KeyTypeRange}
}

func defined(name string, kind types.ScalarAttributeType) types.AttributeDefinition {
	return types.AttributeDefinition{AttributeName: aws.String(name), AttributeType: kind}
}

// orders makes the table of most tests: pk and a numeric sk; the global index byHolder on holder and height, which includes title; and the
// local index byTag on tag, with the keys only.
func (l *local) orders(t *testing.T) string {
	t.Helper()
	_, err := l.CreateTable(t.Context(), &awsdynamodb.CreateTableInput{
		TableName:   aws.String("Orders"),
		BillingMode: types.BillingModePayPerRequest,
		KeySchema:   []types.KeySchemaElement{hash("pk"), sorted("sk")},
		AttributeDefinitions: []types.AttributeDefinition{
			defined("pk", "S"), defined("sk", "N"), defined("holder", "S"), defined("height", "N"), defined("tag", "B"),
		},
		GlobalSecondaryIndexes: []types.GlobalSecondaryIndex{{
			IndexName: aws.String("byHolder"), KeySchema: []types.KeySchemaElement{hash("holder"), sorted("height")},
			Projection: &types.Projection{ProjectionType: types.ProjectionTypeInclude, NonKeyAttributes: []string{"title"}},
		}},
		LocalSecondaryIndexes: []types.LocalSecondaryIndex{{
			IndexName: aws.String("byTag"), KeySchema: []types.KeySchemaElement{hash("pk"), sorted("tag")},
			Projection: &types.Projection{ProjectionType: types.ProjectionTypeKeysOnly},
		}},
	})
	if err != nil {
		t.Fatalf("create table: %v", err)
	}
	return "Orders"
}

func (l *local) put(t *testing.T, table string, items ...item) {
	t.Helper()
	for _, i := range items {
		if _, err := l.PutItem(t.Context(), &awsdynamodb.PutItemInput{TableName: &table, Item: i}); err != nil {
			t.Fatalf("put %v: %v", i, err)
		}
	}
}

// wantFault checks the code and message of an error of AWS.
func wantFault(t *testing.T, err error, code, message string) {
	t.Helper()
	var fault smithy.APIError
	if !errors.As(err, &fault) {
		t.Errorf("got %v, want %s: %s", err, code, message)
		return
	}
	if fault.ErrorCode() != code || fault.ErrorMessage() != message {
		t.Errorf("got %s: %s\nwant %s: %s", fault.ErrorCode(), fault.ErrorMessage(), code, message)
	}
}

func wantInvalid(t *testing.T, err error, message string) {
	t.Helper()
	wantFault(t, err, "ValidationException", message)
}
