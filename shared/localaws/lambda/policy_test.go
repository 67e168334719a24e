package lambda_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/google/go-cmp/cmp"

	"github.com/arngate/arngate/shared/localaws"
	"github.com/arngate/arngate/shared/localaws/localawstest"
)

const elsewhere = "222222222222"

// permit lets a principal invoke the function "orders".
func permit(t *testing.T, c *awslambda.Client, id, principal, qualifier string) {
	t.Helper()
	_, err := c.AddPermission(t.Context(), &awslambda.AddPermissionInput{
		FunctionName: aws.String("orders"), StatementId: &id, Action: aws.String("lambda:InvokeFunction"), Principal: &principal,
		Qualifier: nonEmpty(qualifier),
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Another account needs both: what its own policies allow, and the function's policy for what it names.
func TestAnotherAccountNeedsTheFunctionsPolicy(t *testing.T) {
	a := localawstest.Start(t)
	owner, stranger := a.Account(account), a.Account(elsewhere)
	if err := a.Lambda().Register(account, localawstest.Region, answering("orders", echo)); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Lambda().Publish(account, localawstest.Region, "orders"); err != nil {
		t.Fatal(err)
	}
	mine := awslambda.NewFromConfig(a.Config(owner))
	invoke := func(keys localawstest.Keys, qualifier string) error {
		t.Helper()
		_, err := awslambda.NewFromConfig(a.Config(keys)).Invoke(t.Context(), &awslambda.InvokeInput{
			FunctionName: aws.String("arn:aws:lambda:us-east-1:111111111111:function:orders"), Qualifier: nonEmpty(qualifier),
			InvocationType: types.InvocationTypeDryRun,
		})
		return err
	}
	wantError(t, invoke(stranger, ""), 403, "AccessDeniedException", "because no resource-based policy allows the lambda:InvokeFunction action")
	permit(t, mine, "theirs", elsewhere, "1")
	if err := invoke(stranger, "1"); err != nil {
		t.Error(err)
	}
	wantError(t, invoke(stranger, ""), 403, "AccessDeniedException", "") // the policy is the version's alone
	nobody := a.AddUser(t, stranger, "nobody", "")
	wantError(t, invoke(nobody, "1"), 403, "AccessDeniedException", "because no identity-based policy allows")

	own := a.AddUser(t, owner, "own", "")
	wantError(t, invoke(own, ""), 403, "AccessDeniedException", "")
	permit(t, mine, "own", "arn:aws:iam::111111111111:user/own", "")
	if err := invoke(own, ""); err != nil { // within the account either kind of policy is enough
		t.Error(err)
	}
	_, err := mine.RemovePermission(t.Context(), &awslambda.RemovePermissionInput{FunctionName: aws.String("orders"), StatementId: aws.String("own")})
	if err != nil {
		t.Fatal(err)
	}
	wantError(t, invoke(own, ""), 403, "AccessDeniedException", "")
}

func TestPermissionsAsAPolicy(t *testing.T) {
	_, client, front := start(t, answering("orders", echo))
	permit(t, client, "all", "*", "")
	permit(t, client, "account", elsewhere, "")
	added, err := client.AddPermission(t.Context(), &awslambda.AddPermissionInput{
		FunctionName: aws.String("orders"), StatementId: aws.String("bucket"), Action: aws.String("lambda:InvokeFunction"),
		Principal: aws.String("s3.amazonaws.com"), SourceArn: aws.String("arn:aws:s3:::b"), SourceAccount: aws.String(elsewhere),
	})
	if err != nil {
		t.Fatal(err)
	}
	const arn = `"arn:aws:lambda:eu-west-1:111111111111:function:orders"`
	bucket := `{"Sid":"bucket","Effect":"Allow","Principal":{"Service":"s3.amazonaws.com"},"Action":"lambda:InvokeFunction","Resource":` + arn +
		`,"Condition":{"ArnLike":{"AWS:SourceArn":"arn:aws:s3:::b"},"StringEquals":{"AWS:SourceAccount":"222222222222"}}}`
	if diff := cmp.Diff(bucket, *added.Statement); diff != "" {
		t.Errorf("statement (-want +got):\n%s", diff)
	}
	out, err := client.GetPolicy(t.Context(), &awslambda.GetPolicyInput{FunctionName: aws.String("orders")})
	if err != nil {
		t.Fatal(err)
	}
	want := `{"Version":"2012-10-17","Id":"default","Statement":[` +
		`{"Sid":"all","Effect":"Allow","Principal":"*","Action":"lambda:InvokeFunction","Resource":` + arn + `},` +
		`{"Sid":"account","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::222222222222:root"},"Action":"lambda:InvokeFunction","Resource":` + arn + `},` +
		bucket + `]}`
	if diff := cmp.Diff(want, *out.Policy); diff != "" || !json.Valid([]byte(*out.Policy)) {
		t.Errorf("policy (-want +got):\n%s", diff)
	}
	var got []string
	for _, access := range front.seen {
		got = append(got, access.Action)
	}
	if diff := cmp.Diff([]string{"lambda:AddPermission", "lambda:AddPermission", "lambda:AddPermission", "lambda:GetPolicy"}, got); diff != "" {
		t.Errorf("actions (-want +got):\n%s", diff)
	}
}

func TestPermissionsRefuse(t *testing.T) {
	_, client, _ := start(t, answering("orders", echo))
	name, ok := aws.String("orders"), aws.String("ok")
	_, err := client.GetPolicy(t.Context(), &awslambda.GetPolicyInput{FunctionName: name})
	wantError(t, err, 404, "ResourceNotFoundException", "The resource you requested does not exist.")
	permit(t, client, "ok", elsewhere, "")
	add := func(change func(*awslambda.AddPermissionInput)) error {
		in := &awslambda.AddPermissionInput{
			FunctionName: name, StatementId: aws.String("new"), Action: aws.String("lambda:InvokeFunction"), Principal: aws.String(elsewhere),
		}
		change(in)
		_, err := client.AddPermission(t.Context(), in)
		return err
	}
	wantError(t, add(func(in *awslambda.AddPermissionInput) { in.StatementId = ok }), 409, "ResourceConflictException", "The statement id (ok) provided already exists.")
	wantError(t, add(func(in *awslambda.AddPermissionInput) { in.StatementId = aws.String("a b") }), 400, "ValidationException", "statementId")
	wantError(t, add(func(in *awslambda.AddPermissionInput) { in.Action = aws.String("s3:GetObject") }), 400, "ValidationException", "action")
	wantError(t, add(func(in *awslambda.AddPermissionInput) { in.Principal = aws.String("somebody") }), 400, "InvalidParameterValueException", "principal")
	wantError(t, add(func(in *awslambda.AddPermissionInput) { in.RevisionId = aws.String("other") }), 412, "PreconditionFailedException", "")
	wantError(t, add(func(in *awslambda.AddPermissionInput) { in.FunctionName = aws.String("absent") }), 404, "ResourceNotFoundException", "Function not found")
	wantError(t, add(func(in *awslambda.AddPermissionInput) { in.Qualifier = aws.String("absent") }), 404, "ResourceNotFoundException", "Function not found")
	wantError(t, add(func(in *awslambda.AddPermissionInput) { in.EventSourceToken = aws.String("t") }), 501, "NotImplemented", "")
	var long error
	for i := 0; long == nil && i < 200; i++ {
		long = add(func(in *awslambda.AddPermissionInput) {
			in.StatementId, in.SourceArn = aws.String(fmt.Sprint("s", i)), aws.String("arn:aws:s3:::"+strings.Repeat("b", 200))
		})
	}
	wantError(t, long, 400, "PolicyLengthExceededException", "")
	_, err = client.RemovePermission(t.Context(), &awslambda.RemovePermissionInput{FunctionName: name, StatementId: aws.String("absent")})
	wantError(t, err, 404, "ResourceNotFoundException", "")
}

func TestFunctionsAreDatedByTheClock(t *testing.T) {
	now := time.Now().Add(5 * time.Minute).UTC().Truncate(time.Second)
	a := localawstest.Start(t, func(o *localaws.Options) { o.Now = func() time.Time { return now } })
	if err := a.Lambda().Register(account, localawstest.Region, answering("orders", echo)); err != nil {
		t.Fatal(err)
	}
	out, err := awslambda.NewFromConfig(a.Config(a.Account(account))).ListFunctions(t.Context(), &awslambda.ListFunctionsInput{})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := *out.Functions[0].LastModified, now.Format("2006-01-02T15:04:05.000-0700"); got != want {
		t.Errorf("LastModified = %s, want %s", got, want)
	}
}
