package iam

import (
	"fmt"
	"maps"
	"net/http"
	"net/url"

	"github.com/arngate/arngate/shared/localaws/protocol"
	"github.com/arngate/arngate/shared/policy"
)

// request is one call with what is needed to carry it out.
type request struct {
	call    *protocol.Call
	form    url.Values
	account *account
}

// get returns a parameter; empty if it was not sent.
func (r *request) get(name string) string { return r.form.Get(name) }

// operation is one action of IAM.
type operation struct {
	resource func(*Service, *request) string         // ARN to authorize
	context  func(*Service, *request) policy.Context // keys of the action; nil if it has none
	run      func(*Service, *request) (any, error)
}

// operations is the table of what IAM can do here.
func operations() map[string]operation {
	all := make(map[string]operation)
	for _, part := range []map[string]operation{
		roleOperations(), userOperations(), keyOperations(), groupOperations(), managedOperations(),
		policyOperations(userKind), policyOperations(roleKind), policyOperations(groupKind),
	} {
		maps.Copy(all, part)
	}
	return all
}

// Resolve names the operation and the one access that it needs.
func (s *Service) Resolve(c *protocol.Call) ([]protocol.Access, error) {
	form, err := protocol.ParseQuery(c)
	if err != nil {
		return nil, err
	}
	c.Operation = form.Get("Action")
	op, ok := s.operations[c.Operation]
	if !ok {
		return nil, protocol.UnknownAction(form)
	}
	s.mu.RLock()
	defer s.mu.RUnlock()
	r := &request{call: c, form: form, account: s.accounts[c.Principal.Account]}
	if r.account == nil {
		return nil, fmt.Errorf("find account %s of the caller", c.Principal.Account)
	}
	c.State = r
	access := protocol.Access{Action: "iam:" + c.Operation, Resource: op.resource(s, r)}
	if op.context != nil {
		access.Context = op.context(s, r)
	}
	return []protocol.Access{access}, nil
}

// Serve carries out an operation that has been authorized.
func (s *Service) Serve(w http.ResponseWriter, c *protocol.Call) error {
	r, ok := c.State.(*request)
	if !ok {
		return fmt.Errorf("serve %s: not resolved", c.Operation)
	}
	s.mu.Lock()
	result, err := s.operations[c.Operation].run(s, r)
	s.mu.Unlock()
	if err != nil {
		return err
	}
	return protocol.WriteQuery(w, c, Namespace, result)
}

// named authorizes on the identity that a parameter names, with its path if it exists.
func named(k kind) func(*Service, *request) string {
	return func(_ *Service, r *request) string {
		name := r.get(k.word() + "Name")
		if k == userKind {
			name = r.userName()
		}
		if i, err := r.account.identity(k, name); err == nil {
			return i.arn()
		}
		return arn(r.account.id, string(k), "/", name)
	}
}

// created authorizes on the identity that is about to be created.
func created(k kind) func(*Service, *request) string {
	return func(_ *Service, r *request) string {
		return arn(r.account.id, string(k), r.path(), r.get(k.word()+"Name"))
	}
}

// listed authorizes on all identities below the path asked for.
func listed(k kind) func(*Service, *request) string {
	return func(_ *Service, r *request) string {
		prefix := r.get("PathPrefix")
		if prefix == "" {
			prefix = "/"
		}
		return arn(r.account.id, string(k), prefix, "")
	}
}

// creation holds the keys of actions that create a user or role.
func creation(_ *Service, r *request) policy.Context {
	keys := requestTags(r.form)
	if boundary := r.get("PermissionsBoundary"); boundary != "" {
		keys["iam:PermissionsBoundary"] = []string{boundary}
	}
	return keys
}

// requestTags holds the keys that describe the tags of a request.
func requestTags(form url.Values) policy.Context {
	keys := make(policy.Context)
	for _, t := range protocol.Tags(form, "Tags") {
		keys["aws:RequestTag/"+t.Key] = []string{t.Value}
		keys["aws:TagKeys"] = append(keys["aws:TagKeys"], t.Key)
	}
	return keys
}

// path is the path of what a request creates.
func (r *request) path() string {
	if p := r.get("Path"); p != "" {
		return p
	}
	return "/"
}

// userName is the user that a request is about: the caller, where it names none.
func (r *request) userName() string {
	if name := r.get("UserName"); name != "" {
		return name
	}
	if values := r.call.Principal.Context["aws:username"]; len(values) == 1 {
		return values[0]
	}
	return ""
}
