package conformance

import (
	"context"
	"encoding/base64"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/arngate/arngate/shared/localaws/lambda"
	"github.com/arngate/arngate/shared/localaws/localawstest"
)

// lambdaStage is a Lambda with the function that a situation registers.
type lambdaStage struct {
	*awslambda.Client
	stage
}

// TestLambda asks Lambda what AWS was asked. There is no oracle for it.
func TestLambda(t *testing.T) {
	for _, s := range lambdaSituations() {
		t.Run(s.name, func(t *testing.T) {
			b := local(t)
			config, recorder := b.client()
			at := &lambdaStage{Client: awslambda.NewFromConfig(config), stage: stage{t, recorder, b}}
			w := s.do(at)
			hold(t, b, recorder.last, w, "")
		})
	}
}

const functionARN = "arn:aws:lambda:" + localawstest.Region + ":" + account + ":function:"

// function registers "f", which does what it is given.
func (s *lambdaStage) function(timeout time.Duration, run func(context.Context, lambda.Invocation) ([]byte, error)) {
	s.t.Helper()
	s.must(s.backend.aws.Lambda().Register(account, localawstest.Region, lambda.Function{Name: "f", Timeout: timeout, Run: run}))
}

func echo(_ context.Context, in lambda.Invocation) ([]byte, error) { return in.Payload, nil }

func (s *lambdaStage) invoke(name, qualifier, payload string, set ...func(*awslambda.InvokeInput)) {
	s.t.Helper()
	in := &awslambda.InvokeInput{FunctionName: &name, Qualifier: given(qualifier), Payload: []byte(payload)}
	for _, change := range set {
		change(in)
	}
	asked(s.Invoke(s.t.Context(), in))
}

// as is the type of an invocation.
func as(kind types.InvocationType) func(*awslambda.InvokeInput) {
	return func(in *awslambda.InvokeInput) { in.InvocationType = kind }
}

func lambdaSituations() []situation[*lambdaStage] {
	return append(append(lambdaInvocations(), lambdaNames()...), lambdaLists()...)
}

func lambdaInvocations() []situation[*lambdaStage] {
	return []situation[*lambdaStage]{
		{name: "invoke", do: func(s *lambdaStage) want {
			s.function(0, echo)
			s.invoke("f", "", `{"a":1}`)
			return ok(http.StatusOK, "@X-Amz-Executed-Version", "$LATEST", "@X-Amz-Function-Error", none, "Body", `{"a":1}`)
		}},
		{name: "invoke without a payload", do: func(s *lambdaStage) want {
			s.function(0, echo)
			s.invoke("f", "", "")
			return ok(http.StatusOK, "Body", "{}")
		}},
		{name: "a function that returns nothing", do: func(s *lambdaStage) want {
			s.function(0, func(context.Context, lambda.Invocation) ([]byte, error) { return []byte("null"), nil })
			s.invoke("f", "", "{}")
			return ok(http.StatusOK, "Body", "null")
		}},
		{name: "a dry run", do: func(s *lambdaStage) want {
			s.function(0, func(context.Context, lambda.Invocation) ([]byte, error) {
				s.t.Error("the function ran")
				return nil, nil
			})
			s.invoke("f", "", "{}", as(types.InvocationTypeDryRun))
			return ok(http.StatusNoContent, "Body", "", "@X-Amz-Executed-Version", none)
		}},
		{name: "an event", do: func(s *lambdaStage) want {
			s.function(0, echo)
			s.invoke("f", "", "{}", as(types.InvocationTypeEvent))
			return ok(http.StatusAccepted, "Body", "", "@X-Amz-Executed-Version", none)
		}},
		{name: "an event whose function fails", do: func(s *lambdaStage) want {
			s.function(0, func(context.Context, lambda.Invocation) ([]byte, error) { return nil, errors.New("failed") })
			s.invoke("f", "", "{}", as(types.InvocationTypeEvent))
			return ok(http.StatusAccepted, "Body", "", "@X-Amz-Function-Error", none)
		}},
		{name: "a function that fails", do: func(s *lambdaStage) want {
			s.function(0, func(context.Context, lambda.Invocation) ([]byte, error) {
				return nil, &lambda.FunctionError{Type: "Exception", Message: "Handler fails", Trace: []string{"at line 2"}}
			})
			s.invoke("f", "", "{}")
			return ok(http.StatusOK, "@X-Amz-Function-Error", "Unhandled", "@X-Amz-Executed-Version", "$LATEST",
				"errorMessage", "Handler fails", "errorType", "Exception", "stackTrace", "at line 2")
		}},
		{name: "a function that takes too long", do: func(s *lambdaStage) want {
			s.function(time.Second, func(ctx context.Context, _ lambda.Invocation) ([]byte, error) {
				<-ctx.Done()
				return nil, ctx.Err()
			})
			s.invoke("f", "", "{}")
			request := s.recorder.last.got(want{"@X-Amzn-Requestid": ""})["@X-Amzn-Requestid"]
			return ok(http.StatusOK, "@X-Amz-Function-Error", "Unhandled", "errorType", "Sandbox.Timedout",
				"errorMessage", "RequestId: "+request+" Error: Task timed out after 1.00 seconds")
		}},
		{name: "a version", do: func(s *lambdaStage) want {
			s.function(0, func(_ context.Context, in lambda.Invocation) ([]byte, error) {
				return []byte(strconv.Quote(in.ARN)), nil
			})
			s.publish()
			s.invoke("f", "1", "{}")
			return ok(http.StatusOK, "@X-Amz-Executed-Version", "1", "Body", strconv.Quote(functionARN+"f:1"))
		}},
		{name: "an alias that moves", do: func(s *lambdaStage) want {
			s.function(0, func(_ context.Context, in lambda.Invocation) ([]byte, error) {
				return []byte(strconv.Quote(in.ARN)), nil
			})
			s.publish()
			s.must(s.backend.aws.Lambda().Alias(account, localawstest.Region, "f", "alias1", "1"))
			s.must(s.backend.aws.Lambda().Alias(account, localawstest.Region, "f", "alias1", s.publish()))
			s.invoke("f", "alias1", "{}")
			return ok(http.StatusOK, "@X-Amz-Executed-Version", "2", "Body", strconv.Quote(functionARN+"f:alias1"))
		}},
		{name: "an alias by its ARN", do: func(s *lambdaStage) want {
			s.function(0, echo)
			s.publish()
			s.must(s.backend.aws.Lambda().Alias(account, localawstest.Region, "f", "alias1", "1"))
			s.invoke(functionARN+"f:alias1", "", "{}")
			return ok(http.StatusOK, "@X-Amz-Executed-Version", "1")
		}},
		{name: "the log's tail", do: func(s *lambdaStage) want {
			s.function(0, func(_ context.Context, in lambda.Invocation) ([]byte, error) {
				_, err := in.Log.Write([]byte("Lambda log message\n"))
				return in.Payload, err
			})
			s.invoke("f", "", "{}", func(in *awslambda.InvokeInput) { in.LogType = types.LogTypeTail })
			log := s.recorder.last.got(want{"@X-Amz-Log-Result": ""})["@X-Amz-Log-Result"]
			text, err := base64.StdEncoding.DecodeString(log)
			s.must(err)
			request := s.recorder.last.got(want{"@X-Amzn-Requestid": ""})["@X-Amzn-Requestid"]
			begin := "START RequestId: " + request + " Version: $LATEST\nLambda log message\nEND RequestId: " + request + "\nREPORT RequestId: " + request + "\t"
			if !strings.HasPrefix(string(text), begin) {
				s.t.Errorf("got log %q, want it to begin %q", text, begin)
			}
			return ok(http.StatusOK, "Body", "{}", "@X-Amz-Log-Result", log)
		}},
		{name: "a payload that is no UTF-8", do: func(s *lambdaStage) want {
			s.function(0, echo)
			s.invoke("f", "", "n\x87r\x9e\xe9\xb5\xd7I\xee\x9bmt")
			return ok(http.StatusBadRequest, "@X-Amzn-Errortype", "InvalidRequestContentException", "Type", "User",
				"message", "Could not parse request body into json: Could not parse payload into json: Invalid UTF-8 start byte 0x87\n"+
					" at [Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); line: 1, column: 3]")
		}},
		{name: "a payload that begins with no JSON", do: func(s *lambdaStage) want {
			s.function(0, echo)
			s.invoke("f", "", "\x99\xeb,j\x07\xa1zYh")
			return ok(http.StatusBadRequest, "@X-Amzn-Errortype", "InvalidRequestContentException",
				"message", "Could not parse request body into json: Could not parse payload into json: Unexpected character "+
					"((CTRL-CHAR, code 153)): expected a valid value (JSON String, Number, Array, Object or token 'null', 'true' or 'false')\n"+
					" at [Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); line: 1, column: 1]")
		}},
	}
}

func (s *lambdaStage) publish() string {
	s.t.Helper()
	number, err := s.backend.aws.Lambda().Publish(account, localawstest.Region, "f")
	s.must(err)
	return number
}

// noFunction is the want of a function, or a version of one, that isn't there.
func noFunction(arn string) want {
	return ok(http.StatusNotFound, "@X-Amzn-Errortype", "ResourceNotFoundException", "Message", "Function not found: "+arn, "Type", "User")
}

// lambdaNames are names and qualifiers that name nothing.
func lambdaNames() []situation[*lambdaStage] {
	const (
		namePattern = `(arn:(aws[a-zA-Z-]*)?:lambda:)?((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:)?(\d{12}:)?(function:)?` +
			`([a-zA-Z0-9-_\.]+)(:(\$LATEST(\.PUBLISHED)?|[a-zA-Z0-9-_]+))?`
		qualifierPattern = `\$(LATEST(\.PUBLISHED)?)|[a-zA-Z0-9-_$]+`
	)
	violation := func(value, member, constraint string) string {
		return "Value '" + value + "' at '" + member + "' failed to satisfy constraint: Member must " + constraint
	}
	invalid := func(faults ...string) want {
		noun := " validation error detected: "
		if len(faults) > 1 {
			noun = " validation errors detected: "
		}
		return ok(http.StatusBadRequest, "@X-Amzn-Errortype", "ValidationException", "message", strconv.Itoa(len(faults))+noun+strings.Join(faults, "; "))
	}
	badName := func(name string) want {
		return invalid(violation(name, "functionName", "satisfy regular expression pattern: "+namePattern))
	}
	mismatch := ok(http.StatusBadRequest, "@X-Amzn-Errortype", "InvalidParameterValueException", "Type", "User",
		"message", "The derived qualifier from the function name does not match the specified qualifier.")
	long := strings.Repeat("a", 129)
	names := []struct {
		situation, name, qualifier string
		want                       want
	}{
		{"a function that isn't there", "doesnotexist", "", noFunction(functionARN + "doesnotexist:$LATEST")},
		{"an alias that isn't there", "f", "non-existent-alias", noFunction(functionARN + "f:non-existent-alias")},
		{"a version that isn't there", "f", "1221", noFunction(functionARN + "f:1221")},
		{"a name too long", long[:65], "", noFunction(functionARN + long[:65] + ":$LATEST")},
		{"a qualifier longer than an alias", "f", long[:65], noFunction(functionARN + "f:" + long[:65])},
		{"the word function", "function", "", noFunction(functionARN + "function:$LATEST")},
		{"$latest", "f", "$latest", noFunction(functionARN + "f:$latest")},
		{"an asterisk", "*", "", badName("*")},
		{"a name with !", "my-function!", "", badName("my-function!")},
		{"a partial ARN of no account", "invalid-account:function:my-function", "", badName("invalid-account:function:my-function")},
		{"an ARN of no region", "arn:aws:lambda:invalid-region:" + account + ":function:f", "", badName("arn:aws:lambda:invalid-region:" + account + ":function:f")},
		{"an ARN without an account", "arn:aws:lambda:us-east-1::function:f", "", badName("arn:aws:lambda:us-east-1::function:f")},
		{"an ARN without a region", "arn:aws:lambda::" + account + ":function:f", "", badName("arn:aws:lambda::" + account + ":function:f")},
		{"an ARN with two qualifiers", functionARN + "f:1:2", "", badName(functionARN + "f:1:2")},
		{"an ARN of another service", "arn:aws:ec2:us-east-1:" + account + ":instance:i-1234567890abcdef0", "", badName("arn:aws:ec2:us-east-1:" + account + ":instance:i-1234567890abcdef0")},
		{"an ARN with an @", "arn:aws:lambda:us-east-1:123400000000@function:myfn", "", badName("arn:aws:lambda:us-east-1:123400000000@function:myfn")},
		{"an ARN ending $LATES", functionARN + "f:$LATES", "", badName(functionARN + "f:$LATES")},
		{"a partial ARN with two qualifiers", "function:f:$LATEST:extra", "", badName("function:f:$LATEST:extra")},
		{"a qualifier with !", "f", "invalid!", invalid(violation("invalid!", "qualifier", "satisfy regular expression pattern: "+qualifierPattern))},
		{"a qualifier too long", "f", long, invalid(violation(long, "qualifier", "have length less than or equal to 128"))},
		{"a qualifier beside another", functionARN + "f:$LATEST", "1", mismatch},
		{"an ARN of another region", "arn:aws:lambda:eu-west-3:" + account + ":function:f", "", ok(http.StatusNotFound,
			"@X-Amzn-Errortype", "ResourceNotFoundException", "Message", "Functions from 'eu-west-3' are not reachable in this region ('us-east-1')", "Type", "User")},
		{"both wrong", "arn:aws:lambda:invalid-region:" + account + ":function:f", long, invalid(
			violation(long, "qualifier", "have length less than or equal to 128"),
			violation("arn:aws:lambda:invalid-region:"+account+":function:f", "functionName", "satisfy regular expression pattern: "+namePattern))},
	}
	var all []situation[*lambdaStage]
	for _, n := range names {
		all = append(all, situation[*lambdaStage]{name: "invoke " + n.situation, do: func(s *lambdaStage) want {
			s.function(0, echo)
			s.invoke(n.name, n.qualifier, "{}")
			return n.want
		}})
	}
	return append(all, situation[*lambdaStage]{name: "the configuration under a qualifier beside another", do: func(s *lambdaStage) want {
		s.function(0, echo)
		asked(s.GetFunctionConfiguration(s.t.Context(), &awslambda.GetFunctionConfigurationInput{
			FunctionName: aws.String(functionARN + "f:$LATEST"), Qualifier: aws.String("1"),
		}))
		return mismatch
	}})
}

func lambdaLists() []situation[*lambdaStage] {
	list := func(s *lambdaStage, versions types.FunctionVersion) {
		asked(s.ListFunctions(s.t.Context(), &awslambda.ListFunctionsInput{FunctionVersion: versions}))
	}
	return []situation[*lambdaStage]{
		{name: "functions", do: func(s *lambdaStage) want {
			s.function(0, echo)
			s.publish()
			list(s, "")
			return ok(http.StatusOK, "Functions.FunctionArn", functionARN+"f", "Functions.Version", "$LATEST", "Functions.MemorySize", "128",
				"Functions.Timeout", "3", "Functions.PackageType", "Zip", "Functions.Description", "", "Functions.TracingConfig.Mode", "PassThrough")
		}},
		{name: "functions and their versions", do: func(s *lambdaStage) want {
			s.function(0, echo)
			s.publish()
			list(s, types.FunctionVersionAll)
			return ok(http.StatusOK, "Functions.FunctionArn", functionARN+"f:$LATEST,"+functionARN+"f:1", "Functions.Version", "$LATEST,1")
		}},
		{name: "functions of an invalid version", do: func(s *lambdaStage) want {
			list(s, "invalid")
			return ok(http.StatusBadRequest, "@X-Amzn-Errortype", "ValidationException", "message", "1 validation error detected: Value 'invalid' at "+
				"'functionVersion' failed to satisfy constraint: Member must satisfy enum value set: [ALL]")
		}},
		{name: "a function that is there", do: func(s *lambdaStage) want {
			s.function(0, echo)
			asked(s.GetFunction(s.t.Context(), &awslambda.GetFunctionInput{FunctionName: aws.String("f")}))
			return ok(http.StatusOK, "Configuration.FunctionName", "f", "Configuration.State", "Active", "Configuration.LastUpdateStatus", "Successful",
				"Configuration.FunctionArn", functionARN+"f", "Code.RepositoryType", "S3")
		}},
	}
}

// encoded is a policy as IAM answers it.
func encoded(document string) string {
	return strings.ReplaceAll(url.QueryEscape(document), "+", "%20")
}
