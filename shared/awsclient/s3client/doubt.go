package s3client

import (
	"context"
	"fmt"
	"net/http"

	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"

	"github.com/arngate/arngate/shared/awsclient"
)

// Doubt follows all attempts of one thing that is done. Where the source of a copy is changed or deleted meanwhile, a copy that is
// sent again after its answer was lost is refused, although the first one was carried out: such a refusal becomes an
// [awsclient.NotRepeatedError] whose outcome is unknown. The zero value has none. For one goroutine.
type Doubt struct{ lost bool }

// Watch is an option of the call; give it to each one that is the same thing, made once more.
func (d *Doubt) Watch(o *awss3.Options) {
	o.APIOptions = append(o.APIOptions, func(stack *middleware.Stack) error { return stack.Deserialize.Add(d, middleware.Before) })
}

// ID names the middleware in the stack.
func (*Doubt) ID() string { return "ArngateDoubt" }

// HandleDeserialize sends the request, and judges how it ended.
func (d *Doubt) HandleDeserialize(
	ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler,
) (middleware.DeserializeOutput, middleware.Metadata, error) {
	out, metadata, doubtful, err := awsclient.Send(ctx, in, next)
	if !doubtful {
		return out, metadata, err
	}
	switch status := statusOf(out); {
	case d.lost && (status == http.StatusPreconditionFailed || status == http.StatusNotFound):
		// Without the answer in its chain: it says what came of the last attempt only.
		err = &awsclient.NotRepeatedError{Err: fmt.Errorf("s3client: refused after an answer was lost: %v", err), Unanswered: true} //nolint:errorlint // as said
	case status/100 != 4: // which refuse
		d.lost = true
	}
	return out, metadata, err
}

func statusOf(out middleware.DeserializeOutput) int {
	response, ok := out.RawResponse.(*smithyhttp.Response)
	if !ok || response.Response == nil {
		return 0
	}
	return response.StatusCode
}
