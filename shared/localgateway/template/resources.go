package template

import (
	"errors"
	"fmt"
	"slices"
)

func (s *stack) addTable(out *Template, r resource, name string, properties map[string]any) error {
	var p struct {
		TableName                        string
		BillingMode                      string
		AttributeDefinitions             []struct{ AttributeName, AttributeType string }
		KeySchema                        []struct{ AttributeName, KeyType string }
		PointInTimeRecoverySpecification struct{ PointInTimeRecoveryEnabled flag }
		TimeToLiveSpecification          struct {
			AttributeName string
			Enabled       flag
		}
		SSESpecification, Tags    any
		DeletionProtectionEnabled flag
	}
	if err := read(properties, &p); err != nil {
		return err
	}
	types := make(map[string]string, len(p.AttributeDefinitions))
	for _, a := range p.AttributeDefinitions {
		types[a.AttributeName] = a.AttributeType
	}
	table := Table{
		LogicalID: r.logicalID, Name: name, ARN: kinds[r.kind].arn(s.in, "", name), Retained: r.retained,
		PointInTimeRecovery: bool(p.PointInTimeRecoverySpecification.PointInTimeRecoveryEnabled),
	}
	if p.TimeToLiveSpecification.Enabled {
		table.TTLAttribute = p.TimeToLiveSpecification.AttributeName
	}
	for _, k := range p.KeySchema {
		attribute := Attribute{Name: k.AttributeName, Type: types[k.AttributeName]}
		switch k.KeyType {
		case "HASH":
			table.PartitionKey = attribute
		case "RANGE":
			table.SortKey = attribute
		default:
			return at(fmt.Errorf("unknown key type %q", k.KeyType), "KeySchema")
		}
		if attribute.Type == "" {
			return at(fmt.Errorf("%s has no attribute definition", k.AttributeName), "KeySchema")
		}
	}
	if table.PartitionKey.Name == "" {
		return at(errors.New("no partition key"), "KeySchema")
	}
	out.Tables = append(out.Tables, table)
	return nil
}

func (s *stack) addKey(out *Template, r resource, id string, properties map[string]any) error {
	var p struct {
		Description                string
		EnableKeyRotation, Enabled flag
		KeyPolicy                  map[string]any
		PendingWindowInDays        number
		Tags                       any
	}
	if err := read(properties, &p); err != nil {
		return err
	}
	policy, err := document(p.KeyPolicy)
	if err != nil {
		return err
	}
	out.Keys = append(out.Keys, Key{
		LogicalID: r.logicalID, ID: id, ARN: kinds[r.kind].arn(s.in, "", id), Policy: policy,
		Rotation: bool(p.EnableKeyRotation), Retained: r.retained,
	})
	return nil
}

func (s *stack) addLogGroup(out *Template, r resource, name string, properties map[string]any) error {
	var p struct {
		LogGroupName    string
		RetentionInDays number
		Tags            any
	}
	if err := read(properties, &p); err != nil {
		return err
	}
	out.LogGroups = append(out.LogGroups, LogGroup{
		LogicalID: r.logicalID, Name: name, ARN: kinds[r.kind].arn(s.in, "", name),
		RetentionDays: int(p.RetentionInDays),
	})
	return nil
}

func (s *stack) addRole(out *Template, r resource, name string, properties map[string]any) error {
	var p struct {
		RoleName, Path, Description string
		AssumeRolePolicyDocument    map[string]any
		MaxSessionDuration          number
		Policies                    []struct {
			PolicyName     string
			PolicyDocument map[string]any
		}
		Tags any
	}
	if err := read(properties, &p); err != nil {
		return err
	}
	trust, err := document(p.AssumeRolePolicyDocument)
	if err != nil {
		return err
	}
	arn, err := s.arn(r, name)
	if err != nil {
		return err
	}
	role := Role{LogicalID: r.logicalID, Name: name, Path: p.Path, ARN: arn, Trust: trust, Retained: r.retained}
	if role.Path == "" {
		role.Path = "/"
	}
	for _, inline := range p.Policies {
		text, err := document(inline.PolicyDocument)
		if err != nil {
			return err
		}
		role.Policies = append(role.Policies, Policy{Name: inline.PolicyName, Document: text})
	}
	out.Roles = append(out.Roles, role)
	return nil
}

// addRolePolicies adds the AWS::IAM::RolePolicy resources to their roles, which may be of an earlier deployment.
func (s *stack) addRolePolicies(out *Template) error {
	var faults []error
	for _, id := range sortedNames(s.resources) {
		r := s.resources[id]
		if r.kind != "AWS::IAM::RolePolicy" {
			continue
		}
		if there, err := s.exists(r); err != nil || !there {
			continue // a fault in the condition was reported with the resource
		}
		if err := s.addRolePolicy(out, r); err != nil {
			faults = append(faults, at(err, "Resources", id))
		}
	}
	return errors.Join(faults...)
}

func (s *stack) addRolePolicy(out *Template, r resource) error {
	properties, err := s.resolveMap(r.properties)
	if err != nil {
		return err
	}
	var p struct {
		PolicyName, RoleName string
		PolicyDocument       map[string]any
	}
	if err := read(properties, &p); err != nil {
		return err
	}
	if p.PolicyName == "" || p.RoleName == "" {
		return errors.New("want PolicyName and RoleName")
	}
	text, err := document(p.PolicyDocument)
	if err != nil {
		return err
	}
	role := out.roleNamed(p.RoleName, roleARN(s.in, "/", p.RoleName))
	role.Policies = append(role.Policies, Policy{Name: p.PolicyName, Document: text})
	return nil
}

// roleNamed finds the role to add to, or adds one that the template doesn't create.
func (t *Template) roleNamed(name, arn string) *Role {
	at := slices.IndexFunc(t.Roles, func(r Role) bool { return r.Name == name })
	if at < 0 {
		t.Roles = append(t.Roles, Role{Name: name, Path: "/", ARN: arn})
		at = len(t.Roles) - 1
	}
	return &t.Roles[at]
}

// resolveRoles refuses a function or a schedule whose role has no rights in the template: it could do nothing. And a function with a
// queue that the template doesn't have.
func (t *Template) resolveRoles() error {
	var faults []error
	for _, f := range t.Functions {
		if _, known := t.Role(f.Role); !known {
			faults = append(faults, at(fmt.Errorf("its role %s is none of the template's", f.Role), "Resources", f.LogicalID))
		}
		for _, e := range f.Queues {
			if _, known := t.Queue(e.Queue); !known {
				faults = append(faults, at(fmt.Errorf("its queue %s is none of the template's", e.Queue), "Resources", f.LogicalID, "Events", e.Event))
			}
		}
	}
	for _, s := range t.Schedules {
		if _, known := t.Role(s.Role); !known {
			faults = append(faults, at(fmt.Errorf("its role %s is none of the template's", s.Role), "Resources", s.LogicalID))
		}
	}
	return errors.Join(faults...)
}
