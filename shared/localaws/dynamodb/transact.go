package dynamodb

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/arngate/arngate/shared/localaws/dynamodb/value"
	"github.com/arngate/arngate/shared/localaws/protocol"
)

// The limits of transactions ("Amazon DynamoDB Transactions: How it works"; traps.md 31), and how much more their capacity is.
const (
	maxTransactItems  = 100
	maxTransactSize   = 4 << 20
	tokenLife         = 10 * time.Minute
	maxTokenLength    = 36
	transactionFactor = 2
)

// token is a transaction that was carried out, and that the same ClientRequestToken doesn't repeat.
type token struct {
	at      time.Time
	request [sha256.Size]byte
	sizes   map[string]int // bytes read again, by table, when the transaction is asked for once more
}

// reason is why one operation of a transaction cancelled it, or None.
type reason struct {
	Code    string
	Message string     `json:",omitempty"`
	Item    value.Item `json:",omitempty"`
}

func reasonOf(err error) reason {
	var e *protocol.Error
	if !errors.As(answerable(err), &e) {
		return reason{Code: "ValidationError", Message: err.Error()}
	}
	if e.Code == "ConditionalCheckFailedException" {
		item, _ := e.Fields["Item"].(value.Item)
		return reason{Code: "ConditionalCheckFailed", Message: e.Message, Item: item}
	}
	return reason{Code: "ValidationError", Message: e.Message}
}

// cancelled is the error of a transaction with the reasons in the order of its items (traps.md 31).
func cancelled(reasons []reason) *protocol.Error {
	codes := make([]string, len(reasons))
	for i, r := range reasons {
		codes[i] = r.Code
	}
	return fault(modelNamespace, "TransactionCanceledException",
		"Transaction cancelled, please refer cancellation reasons for specific reasons [%s]", strings.Join(codes, ", ")).
		With("CancellationReasons", reasons)
}

// transactActions are the members of an item of a TransactWriteItems, and the action each stands for.
var transactActions = []struct{ member, action string }{
	{"ConditionCheck", "ConditionCheckItem"},
	{"Put", "PutItem"},
	{"Delete", "DeleteItem"},
	{"Update", "UpdateItem"},
}

func (p parameters) transactWrite() (write, error) {
	var member, action string
	for _, a := range transactActions {
		if !p.has(a.member) {
			continue
		}
		if member != "" {
			return write{}, validation("TransactItems can only contain one of Check, Put, Update or Delete")
		}
		member, action = a.member, a.action
	}
	if member == "" {
		return write{}, validation("Invalid Request: TransactWriteRequest should contain Delete or Put or Update request")
	}
	return p.structure(member).readWrite(action)
}

// transactItems reads TransactItems, of which there must be 1 to 100.
func (p parameters) transactItems() ([]parameters, error) {
	p.require("TransactItems")
	items := p.structures("TransactItems")
	if p.has("TransactItems") && len(items) == 0 {
		p.constrain("TransactItems", "'[]'", "have length greater than or equal to 1")
	}
	if err := p.check(); err != nil {
		return nil, err
	}
	if len(items) > maxTransactItems {
		return nil, validation("Member must have length less than or equal to %d", maxTransactItems)
	}
	return items, nil
}

type transactAnswer struct {
	ConsumedCapacity []*consumedCapacity `json:",omitempty"`
}

func (st *store) transactWriteItems(p parameters, now time.Time) (any, error) {
	wanted := p.returnConsumedCapacity()
	p.choice("ReturnItemCollectionMetrics", "NONE", "SIZE", "NONE")
	clientToken := p.clientToken()
	items, err := p.transactItems()
	if err != nil {
		return nil, err
	}
	writes := make([]write, len(items))
	for i, item := range items {
		if writes[i], err = item.transactWrite(); err != nil {
			return nil, err
		}
	}
	digest, err := digestOf(p.members["TransactItems"])
	if err != nil {
		return nil, err
	}
	if repeated, err := st.repeated(clientToken, digest, now); err != nil || repeated != nil {
		return transactAnswer{repeated.consumed(wanted, transactionReads)}, err
	}
	tables, err := st.checkTransaction(writes)
	if err != nil {
		return nil, err
	}
	outcomes, err := planAll(writes, tables)
	if err != nil {
		return nil, err
	}
	used, sizes := make(usages), make(map[string]int)
	for i, o := range outcomes {
		o.commit(tables[i], used.of(tables[i]), transactionFactor)
		sizes[tables[i].name] += max(1, o.item.Size())
	}
	if clientToken != "" {
		st.tokens[clientToken] = token{at: now, request: digest, sizes: sizes}
	}
	return transactAnswer{used.consumed(wanted, transactionWrites)}, nil
}

func (p parameters) clientToken() string {
	t := p.text("ClientRequestToken")
	switch {
	case p.has("ClientRequestToken") && t == "":
		p.constrain("ClientRequestToken", "''", "have length greater than or equal to 1")
	case len(t) > maxTokenLength:
		p.constrain("ClientRequestToken", "'"+t+"'", fmt.Sprintf("have length less than or equal to %d", maxTokenLength))
	}
	return t
}

func digestOf(tree any) ([sha256.Size]byte, error) {
	text, err := json.Marshal(tree)
	if err != nil {
		return [sha256.Size]byte{}, fmt.Errorf("encode request: %w", err)
	}
	return sha256.Sum256(text), nil
}

// repeated is what a transaction takes that has been carried out already under its token: reads of its items. It is nil for one
// that has not.
func (st *store) repeated(clientToken string, request [sha256.Size]byte, now time.Time) (usages, error) {
	for name, t := range st.tokens {
		if now.Sub(t.at) >= tokenLife {
			delete(st.tokens, name)
		}
	}
	known, ok := st.tokens[clientToken]
	if !ok {
		return nil, nil //nolint:nilnil // no earlier transaction is the usual case, not a fault
	}
	if known.request != request {
		return nil, fault(modelNamespace, "IdempotentParameterMismatchException", "DynamoDB rejected the request because you retried a request "+
			"with a different payload but with an idempotent token that was already used.")
	}
	used := make(usages)
	for name, size := range known.sizes {
		if t, ok := st.tables[name]; ok {
			used.of(t).base += transactionFactor * readUnits(size, true)
		}
	}
	return used, nil
}

// checkTransaction finds the tables of a transaction's writes, and refuses two on one item, and more than 4 MB (traps.md 31).
func (st *store) checkTransaction(writes []write) ([]*table, error) {
	tables, seen, size := make([]*table, len(writes)), make(map[string]bool), 0
	for i, w := range writes {
		t, err := st.table(w.table)
		if err != nil {
			return nil, err
		}
		key := w.key
		if w.item != nil {
			key = w.item
		}
		if id := tableKey(t, key); t.keys.covers(key) {
			if seen[id] {
				return nil, validation("Transaction request cannot include multiple operations on one item")
			}
			seen[id] = true
		}
		tables[i] = t
		size += key.Size()
	}
	if size > maxTransactSize {
		return nil, validation("Transaction payload size cannot exceed 4MB. Payload Size: %d", size)
	}
	return tables, nil
}

// planAll evaluates all writes before any is carried out.
func planAll(writes []write, tables []*table) ([]outcome, error) {
	outcomes, reasons, failed := make([]outcome, len(writes)), make([]reason, len(writes)), false
	for i, w := range writes {
		reasons[i].Code = "None"
		o, err := w.plan(tables[i])
		if err != nil {
			reasons[i], failed = reasonOf(err), true
		}
		outcomes[i] = o
	}
	if failed {
		return nil, cancelled(reasons)
	}
	return outcomes, nil
}

type transactGetAnswer struct {
	Responses        []getAnswer
	ConsumedCapacity []*consumedCapacity `json:",omitempty"`
}

func (st *store) transactGetItems(p parameters, _ time.Time) (any, error) {
	wanted := p.returnConsumedCapacity()
	items, err := p.transactItems()
	if err != nil {
		return nil, err
	}
	reads := make([]read, len(items))
	for i, item := range items {
		item.require("Get")
		if err := item.check(); err != nil {
			return nil, err
		}
		if reads[i], err = item.structure("Get").readRead(); err != nil {
			return nil, err
		}
	}
	used, seen := make(usages), make(map[string]bool)
	answer := transactGetAnswer{Responses: make([]getAnswer, len(reads))}
	reasons, failed := make([]reason, len(reads)), false
	for i, r := range reads {
		t, err := st.table(r.table)
		if err != nil {
			return nil, err
		}
		reasons[i].Code = "None"
		item, size, err := r.from(t)
		if err != nil {
			reasons[i], failed = reasonOf(err), true
			continue
		}
		id := tableKey(t, r.key)
		if seen[id] {
			return nil, validation("Transaction request cannot include multiple operations on one item")
		}
		seen[id] = true
		used.of(t).base += transactionFactor * readUnits(size, true)
		answer.Responses[i].Item = item
	}
	if failed {
		return nil, cancelled(reasons)
	}
	answer.ConsumedCapacity = used.consumed(wanted, transactionReads)
	return answer, nil
}
