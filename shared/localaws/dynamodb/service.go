// Package dynamodb is the local DynamoDB: tables, indexes, expressions, transactions and their errors, kept in memory,
// answering awsJson1_0 as AWS does.
package dynamodb

import (
	"net/http"
	"strings"
	"sync"
	"time"

	"github.com/arngate/arngate/shared/localaws/protocol"
)

const targetPrefix = "DynamoDB_20120810."

// Service is the DynamoDB of all accounts and regions. Safe for concurrent use.
type Service struct {
	mu     sync.Mutex
	stores map[place]*store
}

// place is what has tables of its own.
type place struct{ account, region string }

// store is the tables of one account in one region. Its lock makes every operation, a transaction too, one step.
type store struct {
	place
	mu     sync.RWMutex
	tables map[string]*table
	tokens map[string]token
}

// New returns a DynamoDB without tables.
func New() *Service { return &Service{stores: make(map[place]*store)} }

func (s *Service) store(c *protocol.Call) *store {
	at := place{account: c.Account(), region: c.Region}
	s.mu.Lock()
	defer s.mu.Unlock()
	st, ok := s.stores[at]
	if !ok {
		st = &store{place: at, tables: make(map[string]*table), tokens: make(map[string]token)}
		s.stores[at] = st
	}
	return st
}

// operation is one of the API's operations.
type operation struct {
	// access names what must be allowed. Parameters that make no sense count as absent; serve will refuse them.
	access func(a *accesses, p parameters)
	// serve carries it out. It holds the store's lock, for reading if reads is true.
	serve func(st *store, p parameters, now time.Time) (any, error)
	reads bool
}

var operations = map[string]operation{
	"CreateTable":        {access: onTable, serve: (*store).createTable},
	"DescribeTable":      {access: onTable, serve: (*store).describeTable, reads: true},
	"DeleteTable":        {access: onTable, serve: (*store).deleteTable},
	"ListTables":         {access: onAllTables, serve: (*store).listTables, reads: true},
	"UpdateTimeToLive":   {access: onTable, serve: (*store).updateTimeToLive},
	"DescribeTimeToLive": {access: onTable, serve: (*store).describeTimeToLive, reads: true},
	"PutItem":            {access: onItem, serve: (*store).putItem},
	"GetItem":            {access: onItem, serve: (*store).getItem, reads: true},
	"UpdateItem":         {access: onItem, serve: (*store).updateItem},
	"DeleteItem":         {access: onItem, serve: (*store).deleteItem},
	"Query":              {access: onQuery, serve: (*store).query, reads: true},
	"Scan":               {access: onScan, serve: (*store).scan, reads: true},
	"BatchGetItem":       {access: onBatchGet, serve: (*store).batchGetItem, reads: true},
	"BatchWriteItem":     {access: onBatchWrite, serve: (*store).batchWriteItem},
	"TransactGetItems":   {access: onTransaction, serve: (*store).transactGetItems, reads: true},
	"TransactWriteItems": {access: onTransaction, serve: (*store).transactWriteItems},
}

// Resolve names the operation of a call and what must be allowed for it.
func (s *Service) Resolve(c *protocol.Call) ([]protocol.Access, error) {
	name, ok := strings.CutPrefix(c.Request.Header.Get("X-Amz-Target"), targetPrefix)
	if !ok || name == "" {
		return nil, unknownOperation()
	}
	c.Operation = name
	op, ok := operations[name]
	if !ok {
		return nil, notImplemented(name)
	}
	p, err := readBody(c.Body)
	if err != nil {
		return nil, err
	}
	a := &accesses{call: c, store: s.store(c)}
	a.store.mu.RLock()
	defer a.store.mu.RUnlock()
	op.access(a, p)
	return a.list, nil
}

// Serve carries a call out. A returned *protocol.Error is the answer.
func (s *Service) Serve(w http.ResponseWriter, c *protocol.Call) error {
	op, ok := operations[c.Operation]
	if !ok {
		return notImplemented(c.Operation)
	}
	p, err := readBody(c.Body)
	if err != nil {
		return err
	}
	answer, err := s.store(c).run(op, p, c.Now)
	if err != nil {
		return answerable(err)
	}
	return protocol.WriteJSON(w, protocol.JSON10, c.RequestID, answer)
}

func (st *store) run(op operation, p parameters, now time.Time) (any, error) {
	if op.reads {
		st.mu.RLock()
		defer st.mu.RUnlock()
	} else {
		st.mu.Lock()
		defer st.mu.Unlock()
	}
	return op.serve(st, p, now)
}
