package lambda_test

import (
	"context"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/arngate/arngate/shared/localaws/lambda"
	"github.com/arngate/arngate/shared/localaws/protocol"
)

func TestPayloadLimits(t *testing.T) {
	_, client, _ := start(t, answering("echo", echo))
	for _, test := range []struct {
		how  types.InvocationType
		size int
		ok   bool
	}{
		{types.InvocationTypeRequestResponse, 6 << 20, true},
		{types.InvocationTypeRequestResponse, 6<<20 + 1, false},
		{types.InvocationTypeEvent, 1 << 20, true},
		{types.InvocationTypeEvent, 1<<20 + 1, false},
	} {
		payload := []byte(`"` + strings.Repeat("x", test.size-2) + `"`)
		_, err := client.Invoke(t.Context(), &awslambda.InvokeInput{
			FunctionName: aws.String("echo"), InvocationType: test.how, Payload: payload,
		})
		if test.ok && err != nil {
			t.Errorf("%s %d: %v", test.how, test.size, err)
		} else if !test.ok {
			wantError(t, err, http.StatusRequestEntityTooLarge, "RequestTooLargeException", strconv.Itoa(test.size))
		}
	}
}

func TestInvokeRefuses(t *testing.T) {
	s, client, f := start(t, answering("echo", echo))
	if err := s.Register(account, "us-east-1", answering("elsewhere", echo)); err != nil {
		t.Fatal(err)
	}
	const arn = "arn:aws:lambda:eu-west-1:111111111111:function:"
	for _, test := range []struct {
		name, qualifier, payload string
		status                   int
		code, message            string
	}{
		{"absent", "", "{}", 404, "ResourceNotFoundException", "Function not found: " + arn + "absent:$LATEST"},
		{"echo", "7", "{}", 404, "ResourceNotFoundException", "Function not found: " + arn + "echo:7"},
		{"elsewhere", "", "{}", 404, "ResourceNotFoundException", "Function not found: " + arn + "elsewhere:$LATEST"},
		{arn + "function", "", "{}", 404, "ResourceNotFoundException", "Function not found: " + arn + "function:$LATEST"},
		{
			"arn:aws:lambda:us-east-1:111111111111:function:elsewhere", "", "{}", 404, "ResourceNotFoundException",
			"Functions from 'us-east-1' are not reachable in this region ('eu-west-1')",
		},
		{"echo", "", "not json", 400, "InvalidRequestContentException", "Could not parse request body into json: Could not parse payload into json: " +
			"Unrecognized token 'not': was expecting (JSON String, Number, Array, Object or token 'null', 'true' or 'false')"},
		{"echo", "", "[1,\n2,\"\x80\"]", 400, "InvalidRequestContentException", "Invalid UTF-8 start byte 0x80"},
		{"echo", "", "[1,\n2,\"\x80\"]", 400, "InvalidRequestContentException", "line: 2, column: 5]"},
		{"echo", "", " <x>", 400, "InvalidRequestContentException", "Unexpected character ('<' (code 60)): expected a valid value"},
		{"echo", "", "\xff", 400, "InvalidRequestContentException", "Unexpected character ('ÿ' (code 255))"},
		{
			"echo:1", "2", "{}", 400, "InvalidParameterValueException",
			"The derived qualifier from the function name does not match the specified qualifier.",
		},
		{"bad!", "", "{}", 400, "ValidationException", "1 validation error detected: Value 'bad!' at 'functionName'"},
		{"echo", "no!", "{}", 400, "ValidationException", "Value 'no!' at 'qualifier'"},
		{"a:b:c", strings.Repeat("q", 129), "{}", 400, "ValidationException", "2 validation errors detected: "},
	} {
		_, err := client.Invoke(t.Context(), &awslambda.InvokeInput{
			FunctionName: aws.String(test.name), Qualifier: nonEmpty(test.qualifier), Payload: []byte(test.payload),
		})
		wantError(t, err, test.status, test.code, test.message)
	}
	f.deny = func(protocol.Access) error { return protocol.NewError(403, "AccessDeniedException", "no") }
	_, err := client.Invoke(t.Context(), &awslambda.InvokeInput{FunctionName: aws.String("absent")})
	wantError(t, err, http.StatusForbidden, "AccessDeniedException", "")
}

func TestQualifiersAreResourcesOfTheirOwn(t *testing.T) {
	s, client, f := start(t, answering("echo", func(_ context.Context, in lambda.Invocation) ([]byte, error) {
		return fmt.Appendf(nil, "%q", in.Qualifier+" "+in.ARN), nil
	}))
	number, err := s.Publish(account, region, "echo")
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Alias(account, region, "echo", "live", number); err != nil {
		t.Fatal(err)
	}
	const arn = "arn:aws:lambda:eu-west-1:111111111111:function:echo"
	for _, test := range []struct{ name, qualifier, version, resource string }{
		{"echo", "", "$LATEST", arn},
		{"echo", "$LATEST", "$LATEST", arn + ":$LATEST"},
		{"echo", "live", "1", arn + ":live"},
		{"echo:live", "", "1", arn + ":live"},
		{"echo:live", "live", "1", arn + ":live"},
		{"111111111111:function:echo", "1", "1", arn + ":1"},
		{arn + ":1", "", "1", arn + ":1"},
	} {
		f.seen = nil
		out, err := client.Invoke(t.Context(), &awslambda.InvokeInput{
			FunctionName: aws.String(test.name), Qualifier: nonEmpty(test.qualifier),
		})
		if err != nil {
			t.Fatalf("%s: %v", test.name, err)
		}
		if got := aws.ToString(out.ExecutedVersion); got != test.version {
			t.Errorf("%s %s: got version %s, want %s", test.name, test.qualifier, got, test.version)
		}
		if got := f.seen[0].Resource; got != test.resource {
			t.Errorf("%s %s: got resource %s, want %s", test.name, test.qualifier, got, test.resource)
		}
	}
}
