package probe

import (
	"context"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/arngate/arngate/shared/audit/verdict"
)

func (p *Prober) lambda(ctx context.Context, t Target, id *exchange) Result {
	client, err := p.clients.Lambda(t.Region)
	if err != nil {
		return Result{Verdict: verdict.Unknown, Why: err.Error()}
	}
	if _, operation, _ := strings.Cut(t.Action, ":"); operation == "ListFunctions" {
		out, err := client.ListFunctions(ctx, &awslambda.ListFunctionsInput{MaxItems: aws.Int32(1)})
		r := judge("ListFunctions, MaxItems 1", err)
		if out != nil {
			id.note(out.ResultMetadata)
			if len(out.Functions) > 0 {
				r.Sample = aws.ToString(out.Functions[0].FunctionName)
			}
		}
		return r
	}
	in := &awslambda.InvokeInput{FunctionName: &t.Function, InvocationType: types.InvocationTypeDryRun}
	request := "Invoke, DryRun"
	if t.Qualifier != "" {
		in.Qualifier = &t.Qualifier
		request += ", qualifier " + t.Qualifier
	}
	// A store that doesn't know dry runs would run the function.
	out, err := client.Invoke(ctx, in, func(o *awslambda.Options) {
		o.APIOptions = append(slices.Clip(o.APIOptions), p.guard.add)
	})
	if out != nil {
		id.note(out.ResultMetadata)
	}
	return judge(request, err, "ResourceNotFoundException")
}
