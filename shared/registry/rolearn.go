package registry

import (
	"errors"
	"strings"
)

// RoleARN is the ARN of an IAM role, taken apart.
type RoleARN struct {
	Partition string
	Account   string // twelve digits
	Path      string // begins and ends with a slash
	Name      string
}

// String returns the ARN.
func (r RoleARN) String() string {
	return "arn:" + r.Partition + ":iam::" + r.Account + ":role" + r.Path + r.Name
}

// What ParseRoleARN finds wrong. The texts are for the person who entered the ARN and repeat nothing of it.
var (
	ErrNotRoleARN   = errors.New("must be the whole ARN of an IAM role: arn:<partition>:iam::<12 digits>:role/<path>/<name>")
	ErrSessionARN   = errors.New("must be the ARN of the role, not that of a session of it (assumed-role)")
	ErrPartition    = errors.New("must be a role in this deployment's partition")
	ErrPathMismatch = errors.New("the role's path lacks the required segment; a path is set only when a role is created")
)

var (
	accountPattern  = pattern(`^[0-9]{12}$`)
	roleNamePattern = pattern(`^[\w+=,.@-]+$`) // and no longer than maxRoleName
	// rolePathPattern is IAM's (Role, Path: U+0021 to U+007E between slashes) without what IAM policies take for
	// patterns and variables, and without empty segments.
	rolePathPattern = pattern(`^/(?:[!-~]+/)*$`)
)

// IAM's limits for a path and a name, in characters.
const (
	maxRolePath = 512
	maxRoleName = 64
)

// ParseRoleARN takes the ARN of an IAM role apart. The partition must be this one, and path, which begins and ends with
// a slash, must stand in the role's path as whole segments; "/" or "" requires none.
// It returns [ErrNotRoleARN], [ErrSessionARN], [ErrPartition] or [ErrPathMismatch].
func ParseRoleARN(arn, partition, path string) (RoleARN, error) {
	parts := strings.SplitN(arn, ":", 6)
	if len(parts) != 6 || parts[0] != "arn" {
		return RoleARN{}, ErrNotRoleARN
	}
	if parts[2] == "sts" && strings.HasPrefix(parts[5], "assumed-role/") {
		return RoleARN{}, ErrSessionARN
	}
	rest, isRole := strings.CutPrefix(parts[5], "role/")
	if parts[2] != "iam" || parts[3] != "" || !accountPattern().MatchString(parts[4]) || !isRole {
		return RoleARN{}, ErrNotRoleARN
	}
	// The name is what follows the last slash; what stands before it are segments of the path (trap 11).
	slash := strings.LastIndexByte(rest, '/')
	role := RoleARN{Partition: parts[1], Account: parts[4], Path: "/" + rest[:slash+1], Name: rest[slash+1:]}
	if len(role.Name) > maxRoleName || !roleNamePattern().MatchString(role.Name) || !validRolePath(role.Path) {
		return RoleARN{}, ErrNotRoleARN
	}
	if role.Partition != partition {
		return RoleARN{}, ErrPartition
	}
	if path != "" && !strings.Contains(role.Path, path) {
		return RoleARN{}, ErrPathMismatch
	}
	return role, nil
}

func validRolePath(path string) bool {
	return len(path) <= maxRolePath && rolePathPattern().MatchString(path) &&
		!strings.ContainsAny(path, "*?$") && !strings.Contains(path, "//")
}
