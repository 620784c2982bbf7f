//! What each class of the schema has besides what all have.

use std::net::IpAddr;

use super::super::json::{Object, string};
use super::{Mapped, OTHER};
use crate::catalogue::OcsfClass;
use crate::view::{BodyText, BodyValue};

/// How the trail is called as a log.
pub(super) const LOG_NAME: &str = "audit trail";

impl Mapped<'_, '_> {
    pub(super) fn class_members(&self, line: &mut Object<'_>) {
        line.object("actor", |actor| self.actor(actor));
        match self.class {
            OcsfClass::Base => {}
            OcsfClass::EventLog => {
                line.text("log_name", LOG_NAME);
                line.number("log_type_id", 2);
                line.text("log_type", "Application");
                line.object("src_endpoint", |source| self.source(source));
            }
            OcsfClass::Compliance => self.compliance(line),
            OcsfClass::Detection => {
                self.finding(line);
                line.flag("is_alert", true);
            }
            OcsfClass::Authentication => {
                self.request(line);
                line.object("user", |user| self.subject(user));
                line.object("service", |service| {
                    service.body("name", self.record.body.service);
                });
                self.session(line);
            }
            OcsfClass::AuthorizeSession => {
                self.request(line);
                line.object("user", |user| self.subject(user));
                line.list("privileges", [self.privilege()], |out, text| {
                    string(out, &text);
                });
                self.session(line);
            }
            OcsfClass::Entity => {
                self.request(line);
                line.object("entity", |entity| self.entity(entity));
            }
            OcsfClass::User => {
                self.request(line);
                line.object("user", |user| self.subject(user));
            }
            OcsfClass::Role => {
                self.request(line);
                line.object("iam_role", |role| self.named(role));
            }
            OcsfClass::Lifecycle => line.object("app", |app| self.product(app)),
            OcsfClass::Api => {
                self.request(line);
                line.object("api", |api| api.text("operation", self.kind));
                self.resources(line);
            }
            OcsfClass::Datastore => {
                self.request(line);
                line.object("database", |database| {
                    database.body("name", self.record.body.category);
                    database.number("type_id", OTHER);
                    database.text("type", "Application data");
                });
            }
        }
    }

    /// Where the request came from and what it was.
    fn request(&self, line: &mut Object<'_>) {
        line.object("src_endpoint", |source| self.source(source));
        line.object("http_request", |request| {
            request.body("uid", self.record.body.request);
            if let Some(agent) = self.record.personal_text("user_agent") {
                request.text("user_agent", agent);
            }
        });
    }

    /// The address is personal, so it is there only when it was opened.
    fn source(&self, source: &mut Object<'_>) {
        let address = self.record.personal_text("ip");
        match address.filter(|text| text.parse::<IpAddr>().is_ok()) {
            Some(address) => source.text("ip", address),
            None if self.by_machine() => {
                source.body("svc_name", self.record.body.service);
                source.body("instance_uid", self.record.body.node);
            }
            None => source.text("name", "undisclosed"),
        }
    }

    fn by_machine(&self) -> bool {
        self.record.body.actor_kind.raw() == "system"
    }

    fn actor(&self, actor: &mut Object<'_>) {
        if self.by_machine() {
            actor.body("app_name", self.record.body.service);
        } else {
            actor.object("user", |user| self.acting_user(user));
        }
        if let Some(session) = self.record.body.session {
            actor.object("session", |object| object.body("uid", session));
        }
    }

    fn acting_user(&self, user: &mut Object<'_>) {
        let body = &self.record.body;
        let (type_id, kind) = match body.actor_kind.raw() {
            "user" => (1, "User"),
            "operator" => (2, "Admin"),
            "system" => (3, "System"),
            "anonymous" => (0, "Unknown"),
            other => (OTHER, other),
        };
        match body.actor_ref {
            Some(id) => user.body("uid", id),
            None => user.body("name", body.actor_kind),
        }
        user.number("type_id", type_id);
        user.text("type", kind);
    }

    /// The person it was done to; whoever acted when it was nobody else.
    fn subject(&self, user: &mut Object<'_>) {
        match self.target_id("user") {
            Some(id) => {
                user.body("uid", id);
                user.number("type_id", 1);
                user.text("type", "User");
            }
            None => self.acting_user(user),
        }
    }

    fn target_id(&self, kind: &str) -> Option<BodyText<'_>> {
        let target = self.record.body.target?;
        (target.kind.raw() == kind).then_some(target.id)
    }

    fn session(&self, line: &mut Object<'_>) {
        if let Some(session) = self.target_id("session").or(self.record.body.session) {
            line.object("session", |object| object.body("uid", session));
        }
    }

    /// What was allowed or asked for, as the details name it.
    fn privilege(&self) -> String {
        let body = &self.record.body;
        let named = body.details().find_map(|(key, value)| match value {
            BodyValue::Text(text) if ["permission", "role", "scope"].contains(&key.raw()) => {
                Some(text)
            }
            _ => None,
        });
        named.unwrap_or(body.action).decoded().into_owned()
    }

    /// The id of the target; the category when there is no target.
    fn named(&self, object: &mut Object<'_>) {
        match self.record.body.target {
            Some(target) => object.body("uid", target.id),
            None => object.body("name", self.record.body.category),
        }
    }

    fn entity(&self, entity: &mut Object<'_>) {
        let body = &self.record.body;
        self.named(entity);
        let kind = body.target.map_or(body.category, |target| target.kind);
        let (type_id, name) = match kind.raw() {
            "user" => (2, "User"),
            "tenant" => (4, "Organization"),
            "policy" => (5, "Policy"),
            other => (OTHER, other),
        };
        entity.number("type_id", type_id);
        entity.canonical("type", &format!("\"{name}\""));
    }

    fn resources(&self, line: &mut Object<'_>) {
        let Some(target) = self.record.body.target else {
            return;
        };
        line.list("resources", [target], |out, target| {
            Object::write(out, |resource| {
                resource.body("uid", target.id);
                resource.body("type", target.kind);
                resource.number("role_id", 1);
                resource.text("role", "Target");
            });
        });
    }

    fn finding(&self, line: &mut Object<'_>) {
        line.object("finding_info", |finding| {
            finding.body("uid", self.record.body.event_id);
            finding.text("title", self.phrase);
            finding.list("types", [self.kind], string);
            finding.number("created_time", self.record.occurred().unix_millis());
        });
        self.resources(line);
    }

    fn compliance(&self, line: &mut Object<'_>) {
        self.finding(line);
        let passed = self.record.body.outcome.raw() == "success";
        line.object("compliance", |compliance| {
            compliance.text("control", self.kind);
            compliance.number("status_id", if passed { 1 } else { 3 });
            compliance.text("status", if passed { "Pass" } else { "Fail" });
        });
    }
}
