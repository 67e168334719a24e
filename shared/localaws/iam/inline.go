package iam

import (
	"maps"
	"slices"
	"strings"

	"github.com/arngate/arngate/shared/policy"
)

// maxAttached is how many managed policies may be attached to an identity.
const maxAttached = 10

// policyOperations are the operations on the policies of one kind of identity, inline and attached.
func policyOperations(k kind) map[string]operation {
	word, resource := k.word(), named(k)
	on := func(run func(*Service, *request, *identity) (any, error)) func(*Service, *request) (any, error) {
		return func(s *Service, r *request) (any, error) {
			i, err := r.account.identity(k, r.get(word+"Name"))
			if err != nil {
				return nil, err
			}
			return run(s, r, i)
		}
	}
	return map[string]operation{
		"Put" + word + "Policy":            {resource: resource, run: on((*Service).putPolicy)},
		"Get" + word + "Policy":            {resource: resource, run: on((*Service).getInlinePolicy)},
		"List" + word + "Policies":         {resource: resource, run: on((*Service).listInlinePolicies)},
		"Delete" + word + "Policy":         {resource: resource, run: on((*Service).deleteInlinePolicy)},
		"Attach" + word + "Policy":         {resource: resource, context: policyKey, run: on((*Service).attachPolicy)},
		"Detach" + word + "Policy":         {resource: resource, context: policyKey, run: on((*Service).detachPolicy)},
		"ListAttached" + word + "Policies": {resource: resource, run: on((*Service).listAttachedPolicies)},
	}
}

// policyKey holds the key by which attaching can be limited to some policies.
func policyKey(_ *Service, r *request) policy.Context {
	return policy.Context{"iam:PolicyARN": {r.get("PolicyArn")}}
}

func (s *Service) putPolicy(r *request, i *identity) (any, error) {
	if err := checkName(r, "PolicyName", 128); err != nil {
		return nil, err
	}
	d, err := identityDocument(r.get("PolicyDocument"))
	if err != nil {
		return nil, err
	}
	name := r.get("PolicyName")
	total := size(d.text)
	for other, existing := range i.inline {
		if other != name {
			total += size(existing.text)
		}
	}
	limit := map[kind]int{userKind: maxUserInline, roleKind: maxRoleInline, groupKind: maxGroupInline}[i.kind]
	if total > limit {
		return nil, limitExceeded("Maximum policy size of %d bytes exceeded for %s %s", limit, i.kind, i.name)
	}
	i.inline[name] = d
	return nil, nil //nolint:nilnil // The operation returns nothing.
}

func (s *Service) getInlinePolicy(r *request, i *identity) (any, error) {
	name := r.get("PolicyName")
	d, ok := i.inline[name]
	if !ok {
		return nil, notFound("The %s policy with name %s cannot be found.", i.kind, name)
	}
	shape := inlineShape{PolicyName: name, PolicyDocument: encoded(d.text)}
	switch i.kind {
	case userKind:
		shape.UserName = i.name
	case roleKind:
		shape.RoleName = i.name
	case groupKind:
		shape.GroupName = i.name
	}
	return shape, nil
}

func (s *Service) listInlinePolicies(r *request, i *identity) (any, error) {
	items, p, err := paginate(r, slices.Collect(maps.Keys(i.inline)), func(name string) string { return name })
	if err != nil {
		return nil, err
	}
	return struct {
		Names []string `xml:"PolicyNames>member"`
		page
	}{items, p}, nil
}

func (s *Service) deleteInlinePolicy(r *request, i *identity) (any, error) {
	name := r.get("PolicyName")
	if _, ok := i.inline[name]; !ok {
		return nil, notFound("The %s policy with name %s cannot be found.", i.kind, name)
	}
	delete(i.inline, name)
	return nil, nil //nolint:nilnil // The operation returns nothing.
}

func (s *Service) attachPolicy(r *request, i *identity) (any, error) {
	policyARN := r.get("PolicyArn")
	if err := checkPolicyARN(policyARN); err != nil {
		return nil, err
	}
	if _, ok := s.managedPolicy(r.account, policyARN); !ok {
		return nil, notFound("Policy %s does not exist or is not attachable.", policyARN)
	}
	if slices.Contains(i.attached, policyARN) {
		return nil, nil //nolint:nilnil // Attaching twice is no error, and the operation returns nothing.
	}
	if len(i.attached) >= maxAttached {
		return nil, limitExceeded("Cannot exceed quota for PoliciesPer%s: %d", i.kind.word(), maxAttached)
	}
	i.attached = append(i.attached, policyARN)
	return nil, nil //nolint:nilnil // The operation returns nothing.
}

func (s *Service) detachPolicy(r *request, i *identity) (any, error) {
	policyARN := r.get("PolicyArn")
	if err := checkPolicyARN(policyARN); err != nil {
		return nil, err
	}
	if !slices.Contains(i.attached, policyARN) {
		return nil, notFound("Policy %s was not found.", policyARN)
	}
	i.attached = slices.DeleteFunc(i.attached, func(other string) bool { return other == policyARN })
	return nil, nil //nolint:nilnil // The operation returns nothing.
}

func (s *Service) listAttachedPolicies(r *request, i *identity) (any, error) {
	shapes := make([]attachedShape, 0, len(i.attached))
	for _, policyARN := range i.attached {
		shapes = append(shapes, attachedShape{
			PolicyName: policyARN[strings.LastIndexByte(policyARN, '/')+1:],
			PolicyArn:  policyARN,
		})
	}
	items, p, err := paginate(r, shapes, attachedShape.key)
	if err != nil {
		return nil, err
	}
	return struct {
		Policies []attachedShape `xml:"AttachedPolicies>member"`
		page
	}{items, p}, nil
}
