package s3

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"

	awss3 "github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/smithy-go/middleware"
	smithyhttp "github.com/aws/smithy-go/transport/http"
)

// repeatedKeys makes the SDK read answers that repeat a key which XML can't have: it would fail on them, after the call was
// carried out (trap 36). Only the key suffers, which we know.
func repeatedKeys(o *awss3.Options) {
	o.APIOptions = append(slices.Clip(o.APIOptions), func(stack *middleware.Stack) error {
		return stack.Deserialize.Add(readableMiddleware{}, middleware.After)
	})
}

// maxXML bounds the answers that are made readable: they name a key, an upload, a place.
const maxXML = 64 << 10

// readableMiddleware stands between the answer and what decodes it.
type readableMiddleware struct{}

// ID names the middleware in the stack.
func (readableMiddleware) ID() string { return "ArngateReadableXML" }

// HandleDeserialize replaces the answer's body by one that can be read.
func (readableMiddleware) HandleDeserialize(
	ctx context.Context, in middleware.DeserializeInput, next middleware.DeserializeHandler,
) (middleware.DeserializeOutput, middleware.Metadata, error) {
	out, metadata, err := next.HandleDeserialize(ctx, in)
	answer, ok := out.RawResponse.(*smithyhttp.Response)
	if err != nil || !ok || answer.Response == nil || answer.Body == nil {
		return out, metadata, err
	}
	text, err := io.ReadAll(io.LimitReader(answer.Body, maxXML))
	if err := errors.Join(err, answer.Body.Close()); err != nil {
		return out, metadata, fmt.Errorf("read answer: %w", err)
	}
	answer.Body = io.NopCloser(bytes.NewReader(readable(text)))
	return out, metadata, nil
}

var characterReference = regexp.MustCompile(`&#(x[0-9a-fA-F]{1,6}|[0-9]{1,7});`)

// readable puts a question mark for what is no character of XML 1.0 (section 2.2), written as it is or by its number.
func readable(text []byte) []byte {
	text = characterReference.ReplaceAllFunc(text, func(reference []byte) []byte {
		digits, base := string(reference[2:len(reference)-1]), 10
		if digits[0] == 'x' {
			digits, base = digits[1:], 16
		}
		if number, err := strconv.ParseInt(digits, base, 32); err == nil && inCharacters(rune(number)) {
			return reference
		}
		return []byte("?")
	})
	return bytes.Map(func(r rune) rune {
		if inCharacters(r) {
			return r
		}
		return '?'
	}, text)
}

func inCharacters(r rune) bool {
	return r == '\t' || r == '\n' || r == '\r' || r >= ' ' && r <= 0xd7ff || r >= 0xe000 && r <= 0xfffd || r >= 0x10000 && r <= 0x10ffff
}
