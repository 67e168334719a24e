package dynamodb

import (
	"errors"
	"fmt"
	"net/http"

	"github.com/arngate/arngate/shared/localaws/dynamodb/expression"
	"github.com/arngate/arngate/shared/localaws/dynamodb/value"
	"github.com/arngate/arngate/shared/localaws/protocol"
)

// The namespaces that stand before the codes of DynamoDB's errors.
const (
	modelNamespace      = "com.amazonaws.dynamodb.v20120810"
	validationNamespace = "com.amazon.coral.validate"
	coralNamespace      = "com.amazon.coral.service"
)

func fault(namespace, code, format string, args ...any) *protocol.Error {
	e := protocol.NewError(http.StatusBadRequest, code, format, args...)
	e.Namespace = namespace
	return e
}

func validation(format string, args ...any) *protocol.Error {
	return fault(validationNamespace, "ValidationException", format, args...)
}

// invalidParameters is a ValidationException with AWS's usual beginning.
func invalidParameters(format string, args ...any) *protocol.Error {
	return validation("One or more parameter values were invalid: %s", fmt.Sprintf(format, args...))
}

func serialization(message string) *protocol.Error {
	return fault(coralNamespace, "SerializationException", "%s", message)
}

func unknownOperation() *protocol.Error {
	return fault(coralNamespace, "UnknownOperationException", "")
}

// notImplemented is for what AWS has and the local DynamoDB does without.
func notImplemented(what string) *protocol.Error {
	e := fault(modelNamespace, "NotImplemented", "The local DynamoDB does not implement %s", what)
	e.Status = http.StatusNotImplemented
	return e
}

func tableNotFound() *protocol.Error {
	return fault(modelNamespace, "ResourceNotFoundException", "Requested resource not found")
}

// namedTableNotFound is what the operations on tables themselves answer.
func namedTableNotFound(name string) *protocol.Error {
	return fault(modelNamespace, "ResourceNotFoundException", "Requested resource not found: Table: %s not found", name)
}

func conditionFailed(old value.Item) *protocol.Error {
	e := fault(modelNamespace, "ConditionalCheckFailedException", "The conditional request failed")
	if old == nil {
		return e
	}
	return e.With("Item", old)
}

// answerable makes AWS's error of one of ours; what is none of either is left as it is.
func answerable(err error) error {
	var (
		bad       *value.Error
		malformed *value.SyntaxError
		refused   *expression.Error
	)
	switch {
	case errors.As(err, &bad):
		return validation("%s", bad.Message)
	case errors.As(err, &refused):
		return validation("%s", refused.Message)
	case errors.As(err, &malformed):
		return serialization(malformed.Message)
	}
	return err
}

// messageOf is the message of AWS's error, or of any other.
func messageOf(err error) string {
	var e *protocol.Error
	if err = answerable(err); errors.As(err, &e) {
		return e.Message
	}
	return err.Error()
}
