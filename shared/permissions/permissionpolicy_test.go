package permissions_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/arngate/arngate/shared/permissions"
	"github.com/arngate/arngate/shared/policy"
)

func TestPermissionPolicyIsTheUnion(t *testing.T) {
	key := "arn:aws:kms:us-east-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
	files := s3(permissions.Bucket{Name: "files", Prefix: "reports"})
	files.KMSKeys = []string{key}
	text, err := permissions.PermissionPolicy([]permissions.Limits{
		dynamodb("Orders"), readOnly(dynamodb("Archive")), dynamodb("Customers"), files, lambda("thumbnail"),
	}, "aws", account)
	if err != nil {
		t.Fatal(err)
	}
	verdict := verdicts(t, text)
	via := func(service string) policy.Context { return policy.Context{"kms:ViaService": {service}} }
	for _, c := range []struct {
		action, resource string
		context          policy.Context
		want             bool
	}{
		{"dynamodb:PutItem", tableARN("Orders"), nil, true},
		{"dynamodb:PutItem", tableARN("Customers"), nil, true},
		{"dynamodb:PutItem", tableARN("Archive"), nil, false},
		{"dynamodb:Scan", tableARN("Archive"), nil, true},
		{"dynamodb:ListTables", "*", nil, true},
		{"s3:PutObject", "arn:aws:s3:::files/reports/a", nil, true},
		{"s3:PutObject", "arn:aws:s3:::files/other/a", nil, false},
		{"lambda:InvokeFunction", functionARN("thumbnail"), nil, true},
		{"lambda:ListFunctions", "*", nil, true},
		{"kms:Decrypt", key, via("s3.us-east-1.amazonaws.com"), true},
		{"kms:Decrypt", key, via("dynamodb.us-east-1.amazonaws.com"), false},
		{"kms:Decrypt", key + "0", via("s3.us-east-1.amazonaws.com"), false},
	} {
		if got := verdict(c.action, c.resource, c.context) == policy.Allowed; got != c.want {
			t.Errorf("%s on %s: got %v, want %v", c.action, c.resource, got, c.want)
		}
	}
	var d struct {
		Statement []json.RawMessage `json:"Statement"`
	}
	if err := json.Unmarshal([]byte(text), &d); err != nil {
		t.Fatal(err)
	}
	if got, want := len(d.Statement), 9; got != want {
		t.Errorf("got %d statements, want %d:\n%s", got, want, text)
	}
	if !strings.Contains(text, "\n  ") {
		t.Error("not indented")
	}
}

func TestPermissionPolicyTooBroad(t *testing.T) {
	l := dynamodb()
	for i := range 100 {
		l.Tables = append(l.Tables, fmt.Sprintf("table-%d", i))
	}
	if _, err := permissions.PermissionPolicy([]permissions.Limits{l}, "aws", account); !errors.Is(err, permissions.ErrTooBroad) {
		t.Errorf("got %v, want ErrTooBroad", err)
	}
}
