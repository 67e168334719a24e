// Package dynamodb is the local DynamoDB: tables, indexes, expressions, transactions and their errors, kept in memory,
// answering awsJson1_0 as AWS does.
package dynamodb

import (
	"net/http"

	"github.com/arngate/arngate/shared/localaws/protocol"
)

// Service is the DynamoDB of all accounts and regions. Safe for concurrent use.
type Service struct{}

// New returns a DynamoDB without tables.
func New() *Service { return &Service{} }

// Resolve names the operation of a call and what must be allowed for it.
func (s *Service) Resolve(c *protocol.Call) ([]protocol.Access, error) {
	return nil, protocol.NewError(http.StatusBadRequest, "UnknownOperationException", "")
}

// Serve carries a call out. A returned *protocol.Error is the answer.
func (s *Service) Serve(_ http.ResponseWriter, _ *protocol.Call) error {
	return protocol.NewError(http.StatusBadRequest, "UnknownOperationException", "")
}
