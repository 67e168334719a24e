package iam

import (
	"slices"
	"strings"

	"github.com/arngate/arngate/shared/localaws/protocol"
)

func groupOperations() map[string]operation {
	return map[string]operation{
		"CreateGroup":         {resource: created(groupKind), run: (*Service).createGroup},
		"GetGroup":            {resource: named(groupKind), run: (*Service).getGroup},
		"ListGroups":          {resource: listed(groupKind), run: (*Service).listGroups},
		"DeleteGroup":         {resource: named(groupKind), run: (*Service).deleteGroup},
		"AddUserToGroup":      {resource: named(groupKind), run: (*Service).addUserToGroup},
		"RemoveUserFromGroup": {resource: named(groupKind), run: (*Service).removeUserFromGroup},
		"ListGroupsForUser":   {resource: named(userKind), run: (*Service).listGroupsForUser},
	}
}

func (r *request) group() (*group, error) {
	name := r.get("GroupName")
	if g, ok := r.account.groups[name]; ok {
		return g, nil
	}
	return nil, notFound("The group with name %s cannot be found.", name)
}

func (s *Service) createGroup(r *request) (any, error) {
	if err := checkName(r, "GroupName", 128); err != nil {
		return nil, err
	}
	if err := checkPath(r.path()); err != nil {
		return nil, err
	}
	name := r.get("GroupName")
	if taken(r.account.groups, name) {
		return nil, protocol.NewError(409, "EntityAlreadyExists", "Group with name %s already exists.", name)
	}
	g := &group{identity: s.newIdentity(r.account, groupKind, name, r.path())}
	r.account.groups[name] = g
	return struct{ Group groupShape }{newGroupShape(g)}, nil
}

// members are the users in a group, by name.
func (r *request) members(g *group) []*user {
	var out []*user
	for _, u := range sortedByName(r.account.users) {
		if slices.Contains(u.groups, g.name) {
			out = append(out, u)
		}
	}
	return out
}

func (s *Service) getGroup(r *request) (any, error) {
	g, err := r.group()
	if err != nil {
		return nil, err
	}
	var shapes []userShape
	for _, u := range r.members(g) {
		shapes = append(shapes, newUserShape(u))
	}
	items, p, err := paginate(r, shapes, userShape.key)
	if err != nil {
		return nil, err
	}
	return struct {
		Group groupShape
		Users []userShape `xml:"Users>member"`
		page
	}{newGroupShape(g), items, p}, nil
}

func (s *Service) listGroups(r *request) (any, error) {
	var shapes []groupShape
	for _, g := range sortedByName(r.account.groups) {
		if strings.HasPrefix(g.path, r.get("PathPrefix")) {
			shapes = append(shapes, newGroupShape(g))
		}
	}
	return groupList(r, shapes)
}

func groupList(r *request, shapes []groupShape) (any, error) {
	items, p, err := paginate(r, shapes, groupShape.key)
	if err != nil {
		return nil, err
	}
	return struct {
		Groups []groupShape `xml:"Groups>member"`
		page
	}{items, p}, nil
}

func (s *Service) deleteGroup(r *request) (any, error) {
	g, err := r.group()
	if err != nil {
		return nil, err
	}
	if err := deletable(&g.identity); err != nil {
		return nil, err
	}
	if len(r.members(g)) > 0 {
		return nil, protocol.NewError(409, "DeleteConflict", "Cannot delete entity, must remove users from group first.")
	}
	delete(r.account.groups, g.name)
	return nil, nil //nolint:nilnil // The operation returns nothing.
}

func (s *Service) addUserToGroup(r *request) (any, error) {
	g, err := r.group()
	if err != nil {
		return nil, err
	}
	u, err := r.user()
	if err != nil {
		return nil, err
	}
	if !slices.Contains(u.groups, g.name) {
		u.groups = append(u.groups, g.name)
	}
	return nil, nil //nolint:nilnil // The operation returns nothing.
}

func (s *Service) removeUserFromGroup(r *request) (any, error) {
	g, err := r.group()
	if err != nil {
		return nil, err
	}
	u, err := r.user()
	if err != nil {
		return nil, err
	}
	u.groups = slices.DeleteFunc(u.groups, func(name string) bool { return name == g.name })
	return nil, nil //nolint:nilnil // The operation returns nothing.
}

func (s *Service) listGroupsForUser(r *request) (any, error) {
	u, err := r.user()
	if err != nil {
		return nil, err
	}
	var shapes []groupShape
	for _, name := range slices.Sorted(slices.Values(u.groups)) {
		if g, ok := r.account.groups[name]; ok {
			shapes = append(shapes, newGroupShape(g))
		}
	}
	return groupList(r, shapes)
}
