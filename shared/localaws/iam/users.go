package iam

import (
	"slices"
	"strings"

	"github.com/arngate/arngate/shared/localaws/protocol"
)

// maxKeys is how many access keys a user may have.
const maxKeys = 2

func userOperations() map[string]operation {
	return map[string]operation{
		"CreateUser":                    {resource: created(userKind), context: creation, run: (*Service).createUser},
		"GetUser":                       {resource: named(userKind), run: (*Service).getUser},
		"ListUsers":                     {resource: listed(userKind), run: (*Service).listUsers},
		"DeleteUser":                    {resource: named(userKind), run: (*Service).deleteUser},
		"PutUserPermissionsBoundary":    {resource: named(userKind), context: creation, run: putBoundary(userKind)},
		"DeleteUserPermissionsBoundary": {resource: named(userKind), run: deleteBoundary(userKind)},
	}
}

func keyOperations() map[string]operation {
	return map[string]operation{
		"CreateAccessKey": {resource: named(userKind), run: (*Service).createAccessKey},
		"ListAccessKeys":  {resource: named(userKind), run: (*Service).listAccessKeys},
		"UpdateAccessKey": {resource: named(userKind), run: (*Service).updateAccessKey},
		"DeleteAccessKey": {resource: named(userKind), run: (*Service).deleteAccessKey},
	}
}

// user finds the user that a request names, or the caller where it names none.
func (r *request) user() (*user, error) {
	name := r.userName()
	if u, ok := r.account.users[name]; ok {
		return u, nil
	}
	if name == "" {
		return nil, protocol.NewError(400, "ValidationError", "Must specify userName when calling with non-User credentials")
	}
	return nil, notFound("The user with name %s cannot be found.", name)
}

func (s *Service) createUser(r *request) (any, error) {
	if err := checkName(r, "UserName", 64); err != nil {
		return nil, err
	}
	if err := checkPath(r.path()); err != nil {
		return nil, err
	}
	name := r.get("UserName")
	if taken(r.account.users, name) {
		return nil, protocol.NewError(409, "EntityAlreadyExists", "User with name %s already exists.", name)
	}
	u := &user{identity: s.newIdentity(r.account, userKind, name, r.path())}
	var err error
	if u.tags, err = checkTags(r); err != nil {
		return nil, err
	}
	if u.boundary, err = s.boundary(r); err != nil {
		return nil, err
	}
	r.account.users[name] = u
	return s.getUserShape(u), nil
}

func (s *Service) getUser(r *request) (any, error) {
	u, err := r.user()
	if err != nil {
		return nil, err
	}
	return s.getUserShape(u), nil
}

func (s *Service) getUserShape(u *user) any {
	shape := newUserShape(u)
	shape.Tags, shape.PermissionsBoundary = u.tags, boundaryOf(&u.identity)
	return struct{ User userShape }{shape}
}

func (s *Service) listUsers(r *request) (any, error) {
	var shapes []userShape
	for _, u := range sortedByName(r.account.users) {
		if strings.HasPrefix(u.path, r.get("PathPrefix")) {
			shapes = append(shapes, newUserShape(u))
		}
	}
	items, p, err := paginate(r, shapes, userShape.key)
	if err != nil {
		return nil, err
	}
	return struct {
		Users []userShape `xml:"Users>member"`
		page
	}{items, p}, nil
}

func (s *Service) deleteUser(r *request) (any, error) {
	u, err := r.user()
	if err != nil {
		return nil, err
	}
	if err := deletable(&u.identity); err != nil {
		return nil, err
	}
	if len(u.keys) > 0 || len(u.groups) > 0 {
		return nil, protocol.NewError(409, "DeleteConflict", "Cannot delete entity, must remove referenced objects first.")
	}
	delete(r.account.users, u.name)
	return nil, nil //nolint:nilnil // The operation returns nothing.
}

func (s *Service) createAccessKey(r *request) (any, error) {
	u, err := r.user()
	if err != nil {
		return nil, err
	}
	if len(u.keys) >= maxKeys {
		return nil, limitExceeded("Cannot exceed quota for AccessKeysPerUser: %d", maxKeys)
	}
	k := s.newKey(r.account, u)
	shape := newKeyShape(k)
	shape.SecretAccessKey = k.secret
	return struct{ AccessKey keyShape }{shape}, nil
}

func (s *Service) listAccessKeys(r *request) (any, error) {
	keys := r.account.rootKeys
	if !r.call.Principal.Root || r.get("UserName") != "" {
		u, err := r.user()
		if err != nil {
			return nil, err
		}
		keys = u.keys
	}
	var shapes []keyShape
	for _, k := range keys {
		shapes = append(shapes, newKeyShape(k))
	}
	items, p, err := paginate(r, shapes, keyShape.key)
	if err != nil {
		return nil, err
	}
	return struct {
		Keys []keyShape `xml:"AccessKeyMetadata>member"`
		page
	}{items, p}, nil
}

// accessKey finds a key of the user that a request is about.
func (r *request) accessKey() (*user, *accessKey, error) {
	u, err := r.user()
	if err != nil {
		return nil, nil, err
	}
	id := r.get("AccessKeyId")
	for _, k := range u.keys {
		if k.id == id {
			return u, k, nil
		}
	}
	return nil, nil, notFound("The Access Key with id %s cannot be found.", id)
}

func (s *Service) updateAccessKey(r *request) (any, error) {
	_, k, err := r.accessKey()
	if err != nil {
		return nil, err
	}
	switch status := r.get("Status"); status {
	case "Active", "Inactive":
		k.active = status == "Active"
		return nil, nil //nolint:nilnil // The operation returns nothing.
	default:
		return nil, invalid("Value '" + status + "' at 'status' failed to satisfy constraint: " +
			"Member must satisfy enum value set: [Active, Inactive]")
	}
}

func (s *Service) deleteAccessKey(r *request) (any, error) {
	u, k, err := r.accessKey()
	if err != nil {
		return nil, err
	}
	u.keys = slices.DeleteFunc(u.keys, func(other *accessKey) bool { return other == k })
	delete(s.keys, k.id)
	return nil, nil //nolint:nilnil // The operation returns nothing.
}
