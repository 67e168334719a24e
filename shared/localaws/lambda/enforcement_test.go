package lambda_test

import (
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/arngate/arngate/shared/localaws/localawstest"
)

// TestTrap48UnqualifiedARNCoversNoAlias runs through the whole local AWS: real signatures, real policies.
func TestTrap48UnqualifiedARNCoversNoAlias(t *testing.T) {
	a := localawstest.Start(t)
	administrator := a.Account(account)
	if err := a.Lambda().Register(account, localawstest.Region, answering("orders", echo)); err != nil {
		t.Fatal(err)
	}
	number, err := a.Lambda().Publish(account, localawstest.Region, "orders")
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Lambda().Alias(account, localawstest.Region, "orders", "live", number); err != nil {
		t.Fatal(err)
	}
	keys := a.AddUser(t, administrator, "caller", `{"Version":"2012-10-17","Statement":[{"Effect":"Allow",
		"Action":"lambda:InvokeFunction","Resource":"arn:aws:lambda:us-east-1:111111111111:function:orders"}]}`)
	client := awslambda.NewFromConfig(a.Config(keys))
	invoke := func(name, qualifier string, how types.InvocationType) error {
		_, err := client.Invoke(t.Context(), &awslambda.InvokeInput{
			FunctionName: &name, Qualifier: nonEmpty(qualifier), InvocationType: how,
		})
		return err
	}
	for _, how := range []types.InvocationType{types.InvocationTypeRequestResponse, types.InvocationTypeDryRun} {
		if err := invoke("orders", "", how); err != nil {
			t.Errorf("%s: %v", how, err)
		}
		wantError(t, invoke("orders", "live", how), 403, "AccessDeniedException", "on resource: arn:aws:lambda:us-east-1:111111111111:function:orders:live")
		wantError(t, invoke("absent", "", how), 403, "AccessDeniedException", "")
	}
	_, err = client.ListFunctions(t.Context(), &awslambda.ListFunctionsInput{})
	wantError(t, err, 403, "AccessDeniedException", "lambda:ListFunctions on resource: *")
	out, err := awslambda.NewFromConfig(a.Config(administrator)).Invoke(t.Context(), &awslambda.InvokeInput{
		FunctionName: aws.String("orders:live"), Payload: []byte(`1`),
	})
	if err != nil || *out.ExecutedVersion != "1" {
		t.Errorf("got %+v, %v, want version 1", out, err)
	}
}
