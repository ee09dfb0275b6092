"""Compiled access to the rules of single battles, where every battle has units of its own."""

from __future__ import annotations

from remix.envs.skirmish.kernels.compiler import inlined
from remix.envs.skirmish.rules import Rules


@inlined
def rules_of(rules: Rules, e: int, loops: int) -> Rules:
    """The rules of battle ``e``.

    :param rules: of all battles: what differs between units has the battles as its first dimension.
    :param loops: of a step.
    """
    return Rules(
        n_agents=rules.n_agents,
        team=rules.team,
        start_x=rules.start_x[e],
        start_y=rules.start_y[e],
        max_health=rules.max_health[e],
        max_shield=rules.max_shield[e],
        armor=rules.armor[e],
        radius=rules.radius[e],
        separation=rules.separation[e],
        plane=rules.plane[e],
        speed=rules.speed[e],
        acceleration=rules.acceleration[e],
        health_regeneration=rules.health_regeneration[e],
        shield_regeneration=rules.shield_regeneration[e],
        shield_delay=rules.shield_delay[e],
        energy_start=rules.energy_start[e],
        energy_max=rules.energy_max[e],
        energy_regeneration=rules.energy_regeneration[e],
        healer=rules.healer[e],
        heal_rate=rules.heal_rate[e],
        heal_cost=rules.heal_cost[e],
        heal_minimum=rules.heal_minimum[e],
        can_heal=rules.can_heal[e],
        armed=rules.armed[e],
        reach=rules.reach[e],
        scan=rules.scan[e],
        slop=rules.slop[e],
        period=rules.period[e],
        damage_point=rules.damage_point[e],
        delay_low=rules.delay_low[e],
        delay_high=rules.delay_high[e],
        delivery=rules.delivery[e],
        missile_speed=rules.missile_speed[e],
        n_hits=rules.n_hits[e],
        hit_times=rules.hit_times[e],
        line_length=rules.line_length[e],
        line_width=rules.line_width[e],
        splash=rules.splash[e],
        explodes=rules.explodes[e],
        damage=rules.damage[e],
        can_hit=rules.can_hit[e],
        enemy_order=rules.enemy_order,
        goal_x=rules.goal_x,
        goal_y=rules.goal_y,
        targeting=rules.targeting,
        least_damage=rules.least_damage,
        move_amount=rules.move_amount,
        loops_per_step=loops,
        passable=rules.passable,
        interior=rules.interior,
        ground=rules.ground,
    )
