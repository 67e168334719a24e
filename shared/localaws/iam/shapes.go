package iam

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/arngate/arngate/shared/localaws/protocol"
)

// timestamp is a time as awsQuery writes it.
func timestamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }

// roleShape is a role in an answer. Create and list leave out what only GetRole tells.
type roleShape struct {
	Path                     string
	RoleName                 string
	RoleID                   string `xml:"RoleId"`
	Arn                      string
	CreateDate               string
	AssumeRolePolicyDocument string
	Description              string         `xml:",omitempty"`
	MaxSessionDuration       int            `xml:",omitempty"`
	PermissionsBoundary      *boundaryShape `xml:",omitempty"`
	Tags                     []protocol.Tag `xml:"Tags>member,omitempty"`
	RoleLastUsed             *struct{}      `xml:",omitempty"`
}

func (r roleShape) key() string { return r.RoleName }

// boundaryShape names a permissions boundary.
type boundaryShape struct {
	PermissionsBoundaryType string
	PermissionsBoundaryArn  string
}

func boundaryOf(i *identity) *boundaryShape {
	if i.boundary == "" {
		return nil
	}
	return &boundaryShape{PermissionsBoundaryType: "Policy", PermissionsBoundaryArn: i.boundary}
}

func (s *Service) roleShape(r *role) roleShape {
	return roleShape{
		Path:                     r.path,
		RoleName:                 r.name,
		RoleID:                   r.id,
		Arn:                      r.arn(),
		CreateDate:               timestamp(r.created),
		AssumeRolePolicyDocument: encoded(s.currentText(&r.trust)),
		Description:              r.description,
	}
}

// userShape is a user in an answer.
type userShape struct {
	Path                string
	UserName            string
	UserID              string `xml:"UserId"`
	Arn                 string
	CreateDate          string
	PermissionsBoundary *boundaryShape `xml:",omitempty"`
	Tags                []protocol.Tag `xml:"Tags>member,omitempty"`
}

func (u userShape) key() string { return u.UserName }

func newUserShape(u *user) userShape {
	return userShape{
		Path:       u.path,
		UserName:   u.name,
		UserID:     u.id,
		Arn:        u.arn(),
		CreateDate: timestamp(u.created),
	}
}

// groupShape is a group in an answer.
type groupShape struct {
	Path       string
	GroupName  string
	GroupID    string `xml:"GroupId"`
	Arn        string
	CreateDate string
}

func (g groupShape) key() string { return g.GroupName }

func newGroupShape(g *group) groupShape {
	return groupShape{Path: g.path, GroupName: g.name, GroupID: g.id, Arn: g.arn(), CreateDate: timestamp(g.created)}
}

// keyShape is an access key in an answer. Only CreateAccessKey tells the secret.
type keyShape struct {
	UserName        string `xml:",omitempty"`
	AccessKeyID     string `xml:"AccessKeyId"`
	Status          string
	SecretAccessKey string `xml:",omitempty"`
	CreateDate      string
}

// key is the key's age, and its id where two are of one second.
func (k keyShape) key() string { return k.CreateDate + k.AccessKeyID }

func newKeyShape(k *accessKey) keyShape {
	shape := keyShape{AccessKeyID: k.id, Status: "Inactive", CreateDate: timestamp(k.created)}
	if k.active {
		shape.Status = "Active"
	}
	if k.user != nil {
		shape.UserName = k.user.name
	}
	return shape
}

// policyShape is a managed policy in an answer.
type policyShape struct {
	PolicyName                    string
	PolicyID                      string `xml:"PolicyId"`
	Arn                           string
	Path                          string
	DefaultVersionID              string `xml:"DefaultVersionId"`
	AttachmentCount               int
	PermissionsBoundaryUsageCount int
	IsAttachable                  bool
	Description                   string `xml:",omitempty"`
	CreateDate                    string
	UpdateDate                    string
}

func (p policyShape) key() string { return p.Arn }

// versionShape is a version of a managed policy in an answer.
type versionShape struct {
	Document         string `xml:",omitempty"`
	VersionID        string `xml:"VersionId"`
	IsDefaultVersion bool
	CreateDate       string
}

// key puts the newest version first.
func (v versionShape) key() string {
	n, _ := strconv.Atoi(strings.TrimPrefix(v.VersionID, "v")) // ours are all of this form
	return fmt.Sprintf("%09d", maxVersionNumber-n)
}

// maxVersionNumber is more than a policy ever counts to.
const maxVersionNumber = 999_999_999

// inlineShape is an inline policy in an answer, of whichever kind of identity.
type inlineShape struct {
	UserName       string `xml:",omitempty"`
	RoleName       string `xml:",omitempty"`
	GroupName      string `xml:",omitempty"`
	PolicyName     string
	PolicyDocument string
}

// attachedShape is a managed policy that is attached.
type attachedShape struct {
	PolicyName string
	PolicyArn  string
}

func (a attachedShape) key() string { return a.PolicyArn }
