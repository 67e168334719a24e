package lambda

import (
	"fmt"
	"net/http"
	"strings"

	"github.com/arngate/arngate/shared/localaws/protocol"
)

// The errors of Lambda. Which of them carry Type, and how they spell message, differs and is kept.

func notFound(format string, args ...any) *protocol.Error {
	return protocol.NewError(http.StatusNotFound, "ResourceNotFoundException", format, args...).With("Type", "User")
}

func invalidParameter(message string) *protocol.Error {
	return userError("InvalidParameterValueException", message)
}

func invalidContent(reason string) *protocol.Error {
	return userError("InvalidRequestContentException",
		"Could not parse request body into json: Could not parse payload into json: "+reason)
}

func userError(code, message string) *protocol.Error {
	return protocol.NewError(http.StatusBadRequest, code, "%s", message).With("Type", "User").With("message", message)
}

func tooLarge(message string) *protocol.Error {
	return protocol.NewError(http.StatusRequestEntityTooLarge, "RequestTooLargeException", "%s", message).
		With("Type", "User").With("message", message)
}

// violation is one fault of a request as Lambda words it.
func violation(value, member, constraint string) string {
	return fmt.Sprintf("Value '%s' at '%s' failed to satisfy constraint: %s", value, member, constraint)
}

func validation(faults ...string) *protocol.Error {
	noun := "error"
	if len(faults) > 1 {
		noun = "errors"
	}
	message := fmt.Sprintf("%d validation %s detected: %s", len(faults), noun, strings.Join(faults, "; "))
	return protocol.NewError(http.StatusBadRequest, "ValidationException", "%s", message).With("message", message)
}

func notImplemented() *protocol.Error {
	return protocol.NewError(http.StatusNotImplemented, "NotImplemented", "The local AWS does not implement this operation.")
}
