package protocol

import (
	"encoding/json"
	"net/http"
	"strings"
)

// Target returns the operation that X-Amz-Target names after the service's prefix ("TrentService."), or
// AWS's answer to an operation that the service does not have.
func Target(c *Call, prefix string) (string, error) {
	operation, ok := strings.CutPrefix(c.Request.Header.Get("X-Amz-Target"), prefix)
	if !ok || operation == "" {
		return "", UnknownOperation()
	}
	return operation, nil
}

// UnknownOperation is the answer of an awsJson service to an operation that it does not have.
func UnknownOperation() *Error {
	return &Error{
		Status:    http.StatusBadRequest,
		Code:      "UnknownOperationException",
		Namespace: "com.amazon.coral.service",
	}
}

// DecodeJSON reads the members of an awsJson call. Members that it does not know are ignored, as AWS
// does.
func DecodeJSON(c *Call, into any) error {
	if err := json.Unmarshal(c.Body, into); err != nil {
		return &Error{
			Status:    http.StatusBadRequest,
			Code:      "SerializationException",
			Namespace: "com.amazon.coral.service",
		}
	}
	return nil
}
