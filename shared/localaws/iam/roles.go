package iam

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/arngate/arngate/shared/localaws/protocol"
	"github.com/arngate/arngate/shared/policy"
)

// Bounds of a role's MaxSessionDuration.
const (
	minMaxSession = time.Hour
	maxMaxSession = 12 * time.Hour
)

func roleOperations() map[string]operation {
	return map[string]operation{
		"CreateRole":                    {resource: created(roleKind), context: creation, run: (*Service).createRole},
		"GetRole":                       {resource: named(roleKind), run: (*Service).getRole},
		"ListRoles":                     {resource: listed(roleKind), run: (*Service).listRoles},
		"DeleteRole":                    {resource: named(roleKind), run: (*Service).deleteRole},
		"UpdateRole":                    {resource: named(roleKind), run: (*Service).updateRole},
		"UpdateAssumeRolePolicy":        {resource: named(roleKind), run: (*Service).updateAssumeRolePolicy},
		"TagRole":                       {resource: named(roleKind), context: creation, run: (*Service).tagRole},
		"UntagRole":                     {resource: named(roleKind), context: untagging, run: (*Service).untagRole},
		"ListRoleTags":                  {resource: named(roleKind), run: (*Service).listRoleTags},
		"PutRolePermissionsBoundary":    {resource: named(roleKind), context: creation, run: putBoundary(roleKind)},
		"DeleteRolePermissionsBoundary": {resource: named(roleKind), run: deleteBoundary(roleKind)},
	}
}

// role finds the role that a request names.
func (r *request) role() (*role, error) {
	name := r.get("RoleName")
	if found, ok := r.account.roles[name]; ok {
		return found, nil
	}
	return nil, notFound("The role with name %s cannot be found.", name)
}

func (s *Service) createRole(r *request) (any, error) {
	if err := checkName(r, "RoleName", 64); err != nil {
		return nil, err
	}
	if err := checkPath(r.path()); err != nil {
		return nil, err
	}
	name := r.get("RoleName")
	if taken(r.account.roles, name) {
		return nil, protocol.NewError(409, "EntityAlreadyExists", "Role with name %s already exists.", name)
	}
	t, err := s.parseTrust(r.get("AssumeRolePolicyDocument"))
	if err != nil {
		return nil, err
	}
	created := &role{
		identity:     s.newIdentity(r.account, roleKind, name, r.path()),
		maxSession:   minMaxSession,
		trust:        t,
		trustChanged: s.now(),
	}
	if err := s.describeRole(r, created); err != nil {
		return nil, err
	}
	if created.tags, err = checkTags(r); err != nil {
		return nil, err
	}
	if created.boundary, err = s.boundary(r); err != nil {
		return nil, err
	}
	r.account.roles[name] = created
	shape := s.roleShape(created)
	shape.Tags, shape.PermissionsBoundary = created.tags, boundaryOf(&created.identity)
	return struct{ Role roleShape }{shape}, nil
}

// describeRole takes the description and the duration from a request that has them.
func (s *Service) describeRole(r *request, to *role) error {
	if text := r.get("Description"); r.form.Has("Description") {
		if len([]rune(text)) > 1000 {
			return invalid("Value at 'description' failed to satisfy constraint: Member must have length less than or equal to 1000")
		}
		to.description = text
	}
	text := r.get("MaxSessionDuration")
	if text == "" {
		return nil
	}
	seconds, err := strconv.Atoi(text)
	d := time.Duration(seconds) * time.Second
	if err != nil || d < minMaxSession || d > maxMaxSession {
		return invalid(fmt.Sprintf("Value '%s' at 'maxSessionDuration' failed to satisfy constraint: "+
			"Member must have value between 3600 and 43200", text))
	}
	to.maxSession = d
	return nil
}

func (s *Service) getRole(r *request) (any, error) {
	found, err := r.role()
	if err != nil {
		return nil, err
	}
	shape := s.roleShape(found)
	shape.MaxSessionDuration = int(found.maxSession / time.Second)
	shape.Tags, shape.PermissionsBoundary = found.tags, boundaryOf(&found.identity)
	shape.RoleLastUsed = &struct{}{}
	return struct{ Role roleShape }{shape}, nil
}

func (s *Service) listRoles(r *request) (any, error) {
	var shapes []roleShape
	for _, found := range sortedByName(r.account.roles) {
		if strings.HasPrefix(found.path, r.get("PathPrefix")) {
			shape := s.roleShape(found)
			shape.MaxSessionDuration = int(found.maxSession / time.Second)
			shapes = append(shapes, shape)
		}
	}
	items, p, err := paginate(r, shapes, roleShape.key)
	if err != nil {
		return nil, err
	}
	return struct {
		Roles []roleShape `xml:"Roles>member"`
		page
	}{items, p}, nil
}

func (s *Service) deleteRole(r *request) (any, error) {
	found, err := r.role()
	if err != nil {
		return nil, err
	}
	if err := deletable(&found.identity); err != nil {
		return nil, err
	}
	delete(r.account.roles, found.name)
	return nil, nil //nolint:nilnil // The operation returns nothing.
}

// deletable refuses to delete what still has policies.
func deletable(i *identity) error {
	if len(i.inline) > 0 {
		return protocol.NewError(409, "DeleteConflict", "Cannot delete entity, must delete policies first.")
	}
	if len(i.attached) > 0 {
		return protocol.NewError(409, "DeleteConflict", "Cannot delete entity, must detach all policies first.")
	}
	return nil
}

func (s *Service) updateRole(r *request) (any, error) {
	found, err := r.role()
	if err != nil {
		return nil, err
	}
	return struct{}{}, s.describeRole(r, found)
}

func (s *Service) updateAssumeRolePolicy(r *request) (any, error) {
	found, err := r.role()
	if err != nil {
		return nil, err
	}
	t, err := s.parseTrust(r.get("PolicyDocument"))
	if err != nil {
		return nil, err
	}
	before := found.trust
	found.trust, found.trustBefore, found.trustChanged = t, &before, s.now()
	return nil, nil //nolint:nilnil // The operation returns nothing.
}

func (s *Service) tagRole(r *request) (any, error) {
	found, err := r.role()
	if err != nil {
		return nil, err
	}
	tags, err := checkTags(r)
	if err != nil {
		return nil, err
	}
	found.tags = mergeTags(found.tags, tags)
	if len(found.tags) > maxTags {
		return nil, limitExceeded("The number of tags has reached the maximum limit.")
	}
	return nil, nil //nolint:nilnil // The operation returns nothing.
}

// untagging holds the keys of an action that removes tags.
func untagging(_ *Service, r *request) policy.Context {
	return policy.Context{"aws:TagKeys": protocol.Members(r.form, "TagKeys")}
}

func (s *Service) untagRole(r *request) (any, error) {
	found, err := r.role()
	if err != nil {
		return nil, err
	}
	for _, key := range protocol.Members(r.form, "TagKeys") {
		found.tags = slices.DeleteFunc(slices.Clone(found.tags), func(t protocol.Tag) bool { return strings.EqualFold(t.Key, key) })
	}
	return nil, nil //nolint:nilnil // The operation returns nothing.
}

func (s *Service) listRoleTags(r *request) (any, error) {
	found, err := r.role()
	if err != nil {
		return nil, err
	}
	items, p, err := paginate(r, found.tags, func(t protocol.Tag) string { return t.Key })
	if err != nil {
		return nil, err
	}
	return struct {
		Tags []protocol.Tag `xml:"Tags>member"`
		page
	}{items, p}, nil
}

// mergeTags sets tags over others. Keys are compared without regard to case, the new spelling stays.
func mergeTags(old, set []protocol.Tag) []protocol.Tag {
	var out []protocol.Tag
	for _, o := range old {
		kept := true
		for _, n := range set {
			kept = kept && !strings.EqualFold(o.Key, n.Key)
		}
		if kept {
			out = append(out, o)
		}
	}
	return append(out, set...)
}

// boundary reads the permissions boundary of a request; empty if it has none.
func (s *Service) boundary(r *request) (string, error) {
	value := r.get("PermissionsBoundary")
	if value == "" {
		return "", nil
	}
	if err := checkPolicyARN(value); err != nil {
		return "", err
	}
	if _, ok := s.managedPolicy(r.account, value); !ok {
		return "", notFound("Scope ARN: %s does not exist or is not attachable.", value)
	}
	return value, nil
}

func putBoundary(k kind) func(*Service, *request) (any, error) {
	return func(s *Service, r *request) (any, error) {
		i, err := r.account.identity(k, r.get(k.word()+"Name"))
		if err != nil {
			return nil, err
		}
		boundary, err := s.boundary(r)
		if err != nil {
			return nil, err
		}
		i.boundary = boundary
		return nil, nil
	}
}

func deleteBoundary(k kind) func(*Service, *request) (any, error) {
	return func(_ *Service, r *request) (any, error) {
		i, err := r.account.identity(k, r.get(k.word()+"Name"))
		if err != nil {
			return nil, err
		}
		if i.boundary == "" {
			return nil, notFound("The %s %s does not have a permissions boundary.", i.kind, i.name)
		}
		i.boundary = ""
		return nil, nil
	}
}
