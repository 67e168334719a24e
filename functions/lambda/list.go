package lambda

import (
	"context"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	awslambda "github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/arngate/arngate/shared/awsclient/lambdaclient"
	"github.com/arngate/arngate/shared/connection"
	"github.com/arngate/arngate/shared/cursor"
	"github.com/arngate/arngate/shared/httpapi"
)

const (
	// perCall is the most that ListFunctions returns (AWS Lambda API Reference, ListFunctions).
	perCall = 50
	// maxCalls bounds the calls of one listing: a connection may include few of very many functions.
	maxCalls = 20
)

type listInput struct {
	OfConnection
	httpapi.PageQuery
}

type listOutput struct{ Body httpapi.Page[Function] }

// Function is a Lambda function as the API shows it.
type Function struct {
	Name           string `json:"name"`
	Description    string `json:"description,omitzero"`
	Runtime        string `json:"runtime,omitzero" doc:"Absent for a container image"`
	Handler        string `json:"handler,omitzero" doc:"Absent for a container image"`
	TimeoutSeconds int32  `json:"timeout_seconds"`
	MemoryMB       int32  `json:"memory_mb"`
	ModifiedAt     string `json:"modified_at" format:"date-time"`
}

func (h *handler) list(ctx context.Context, in *listInput) (*listOutput, error) {
	c, err := h.open(ctx, in.OfConnection)
	if err != nil {
		return nil, err
	}
	if err := c.Require("lambda:ListFunctions"); err != nil {
		return nil, err
	}
	asked := *in
	asked.Cursor = ""
	bound := cursor.Bind(c.Bind(), "list-functions", asked)
	var marker *string
	if in.Cursor != "" {
		position, err := h.cursors.Open(ctx, bound, in.Cursor)
		if err != nil {
			return nil, err
		}
		marker = aws.String(string(position))
	}
	out := &listOutput{Body: httpapi.Page[Function]{Items: []Function{}}}
	if out.Body.Items, marker, err = included(ctx, c, marker, in.Limit); err != nil {
		return nil, err
	}
	if marker != nil {
		out.Body.NextCursor, err = h.cursors.Seal(ctx, bound, []byte(*marker))
	}
	return out, err
}

// included lists up to limit functions from marker on that the connection includes. The next marker is nil at the end.
// No call asks for more than is still wanted, so that none of what it brings is left over: AWS's marker leads past it.
func included(ctx context.Context, c *connection.Connection, marker *string, limit int) ([]Function, *string, error) {
	functions := []Function{}
	for range maxCalls {
		out, err := page(ctx, c, marker, min(limit-len(functions), perCall))
		if err != nil {
			return nil, nil, err
		}
		for _, f := range out.Functions {
			if c.Limits.AllowsFunction(aws.ToString(f.FunctionName)) {
				functions = append(functions, shown(f))
			}
		}
		if marker = out.NextMarker; marker == nil || len(functions) == limit {
			break
		}
	}
	return functions, marker, nil
}

func page(ctx context.Context, c *connection.Connection, marker *string, most int) (out *awslambda.ListFunctionsOutput, err error) {
	err = call(ctx, c, "ListFunctions", "lambda:ListFunctions", func(ctx context.Context) error {
		client, err := lambdaclient.For(c.Clients(), c.Region)
		if err != nil {
			return err
		}
		out, err = client.ListFunctions(ctx, &awslambda.ListFunctionsInput{Marker: marker, MaxItems: aws.Int32(int32(most))}) //nolint:gosec // 1 to 50
		return err
	})
	return out, err
}

func shown(f types.FunctionConfiguration) Function {
	return Function{
		Name: aws.ToString(f.FunctionName), Description: aws.ToString(f.Description), Runtime: string(f.Runtime), Handler: aws.ToString(f.Handler),
		TimeoutSeconds: aws.ToInt32(f.Timeout), MemoryMB: aws.ToInt32(f.MemorySize), ModifiedAt: modified(f.LastModified),
	}
}

// modified turns Lambda's time, whose zone has no colon, into RFC 3339.
func modified(at *string) string {
	const lambdaTime = "2006-01-02T15:04:05.000-0700"
	parsed, err := time.Parse(lambdaTime, aws.ToString(at))
	if err != nil {
		return aws.ToString(at)
	}
	return parsed.UTC().Format(time.RFC3339Nano)
}
