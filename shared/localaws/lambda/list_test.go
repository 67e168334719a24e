package lambda_test

import (
	"encoding/base64"
	"fmt"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/google/go-cmp/cmp"

	"github.com/arngate/arngate/shared/localaws/lambda"
)

func base64Decode(text string) ([]byte, error) { return base64.StdEncoding.DecodeString(text) }

func TestListFunctionsPaged(t *testing.T) {
	var all []lambda.Function
	var want []string
	for i := range 120 {
		name := fmt.Sprintf("f-%03d", i)
		all, want = append(all, answering(name, echo)), append(want, name)
	}
	s, client, f := start(t, all...)
	if err := s.Register("222222222222", region, answering("other-account", echo)); err != nil {
		t.Fatal(err)
	}
	for _, size := range []int32{7, 50, 10000} {
		var got []string
		pages := awslambda.NewListFunctionsPaginator(client, &awslambda.ListFunctionsInput{MaxItems: aws.Int32(size)})
		for pages.HasMorePages() {
			page, err := pages.NextPage(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if len(page.Functions) > int(min(size, 50)) {
				t.Errorf("got %d on a page of %d", len(page.Functions), size)
			}
			for _, f := range page.Functions {
				got = append(got, aws.ToString(f.FunctionName))
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("page size %d (-want +got):\n%s", size, diff)
		}
	}
	if got := f.seen[0]; got.Action != "lambda:ListFunctions" || got.Resource != "*" {
		t.Errorf("got access %+v, want lambda:ListFunctions on *", got)
	}
	_, err := client.ListFunctions(t.Context(), &awslambda.ListFunctionsInput{MaxItems: aws.Int32(0)})
	wantError(t, err, 400, "ValidationException", "Value '0' at 'maxItems'")
	_, err = client.ListFunctions(t.Context(), &awslambda.ListFunctionsInput{FunctionVersion: "invalid"})
	wantError(t, err, 400, "ValidationException",
		"1 validation error detected: Value 'invalid' at 'functionVersion' failed to satisfy constraint: Member must satisfy enum value set: [ALL]")
}

func TestConfiguration(t *testing.T) {
	f := lambda.Function{
		Name: "orders", Runtime: "python3.13", Description: "takes orders", Handler: "app.main", Timeout: 1500 * time.Millisecond, MemoryMB: 256, Run: echo,
	}
	s, client, _ := start(t, f)
	if _, err := s.Publish(account, region, "orders"); err != nil {
		t.Fatal(err)
	}
	out, err := client.GetFunction(t.Context(), &awslambda.GetFunctionInput{FunctionName: aws.String("orders")})
	if err != nil {
		t.Fatal(err)
	}
	c := out.Configuration
	got := []any{*c.FunctionName, *c.FunctionArn, c.Runtime, *c.Description, *c.Handler, *c.Timeout, *c.MemorySize, *c.Version, c.State, c.PackageType}
	want := []any{
		"orders", "arn:aws:lambda:eu-west-1:111111111111:function:orders", types.RuntimePython313, "takes orders", "app.main",
		int32(2), int32(256), "$LATEST", types.StateActive, types.PackageTypeZip,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("configuration (-want +got):\n%s", diff)
	}
	if _, err := time.Parse("2006-01-02T15:04:05.000-0700", *c.LastModified); err != nil {
		t.Error(err)
	}
	list, err := client.ListFunctions(t.Context(), &awslambda.ListFunctionsInput{FunctionVersion: types.FunctionVersionAll})
	if err != nil {
		t.Fatal(err)
	}
	var arns []string
	for _, f := range list.Functions {
		arns = append(arns, *f.FunctionArn)
	}
	if diff := cmp.Diff([]string{*c.FunctionArn + ":$LATEST", *c.FunctionArn + ":1"}, arns); diff != "" {
		t.Errorf("versions (-want +got):\n%s", diff)
	}
	_, err = client.GetFunctionConfiguration(t.Context(), &awslambda.GetFunctionConfigurationInput{FunctionName: aws.String("none")})
	wantError(t, err, 404, "ResourceNotFoundException", "Function not found: arn:aws:lambda:eu-west-1:111111111111:function:none")
	_, err = client.DeleteFunction(t.Context(), &awslambda.DeleteFunctionInput{FunctionName: aws.String("orders")})
	wantError(t, err, 501, "NotImplemented", "")
}

func TestRegisterRefuses(t *testing.T) {
	s := lambda.New(time.Now)
	for _, f := range []lambda.Function{{Name: "a b", Run: echo}, {Name: "", Run: echo}, {Name: "none"}} {
		if err := s.Register(account, region, f); err == nil {
			t.Errorf("%q was registered", f.Name)
		}
	}
}
